"""Which of two contestants is better, race by race, and how sure one can be while races keep coming."""
