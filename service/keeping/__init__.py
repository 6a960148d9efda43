"""The prediction log: every answer is kept, asynchronously, in the race database or, while it is away, on disk."""
