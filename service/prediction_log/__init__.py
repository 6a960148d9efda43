"""The prediction log: every answer is kept, in the race database or, while that is away, on disk."""
