"""The monitor: how good the champion is while it serves, and how its inputs move."""
