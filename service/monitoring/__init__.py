"""What comes in, counted while it is served."""
