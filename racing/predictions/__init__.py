"""Logged predictions: what they were about, how they came out, and how good they were."""
