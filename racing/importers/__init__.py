"""Bring files of races into the database, and take them out again."""
