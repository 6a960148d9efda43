"""Race days played again: recordings sent into a running service, and a past day with the clock."""
