"""The server: worker processes, connections and their limits, request bodies, the queue, and shutdown."""
