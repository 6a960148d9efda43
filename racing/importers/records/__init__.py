"""What one row says of one run, checked, and which races of a file are whole."""
