"""A backup of everything that a running installation knows, and its way back."""
