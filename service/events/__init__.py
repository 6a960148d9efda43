"""Events of race days for those who follow them: read from the database once a process, written to each."""
