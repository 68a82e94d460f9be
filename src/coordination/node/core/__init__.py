"""What a node decides, by rules N1 to N7; no input, no output, no clock of its own."""
