"""Challengers beside the champion: in shadow, and in a split."""
