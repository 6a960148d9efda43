"""Versions written as the folder of files that older tools read; an end point, nothing of ours reads it."""
