"""What tools for the exchange read."""
