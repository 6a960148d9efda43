"""The day: races to come as they are stored, what sources state of them, and what happens until the off."""
