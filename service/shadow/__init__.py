"""Cards that were answered, scored again by the other contestants, off the way of the answer."""
