"""Examples; a package, so that it is found before others' of the same name."""
