"""What commands print: lines and tables that steer no terminal, JSON, and progress."""
