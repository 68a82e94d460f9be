"""Another's contract, shaped differently, held to the same rules."""
