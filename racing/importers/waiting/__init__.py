"""Rows that name no distance or no dog wait for their races, which other sources make."""
