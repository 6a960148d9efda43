"""The page of a training: one HTML file that a sceptic can be shown, made of a frozen content."""
