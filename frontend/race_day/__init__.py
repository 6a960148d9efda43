"""The Today page: the day's races as a board, and files of cards that are dropped on it."""
