"""A racing season with known true win probabilities, as arrays."""
