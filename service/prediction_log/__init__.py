"""The prediction log: every answer is saved, in the race database or, while that is away, on disk."""
