"""What a race is in plain values: cards, runs, grades, tracks, names, and the errors of their rules."""
