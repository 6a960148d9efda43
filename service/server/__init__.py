"""The process that serves: its socket, workers, connections, who gets in in which order, and the end."""
