"""Experiments: challengers beside the champion while it serves, and what is decided of them."""
