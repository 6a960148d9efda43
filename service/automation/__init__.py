"""What the service does by itself at intervals, in one process of all replicas."""
