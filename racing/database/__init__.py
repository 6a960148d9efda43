"""The race database: its tables, its migrations, and how to open it."""
