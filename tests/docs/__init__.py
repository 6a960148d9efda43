"""What the pages of the documentation promise, run."""
