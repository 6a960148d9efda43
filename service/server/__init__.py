"""Parts of the HTTP server: workers, connections and their limits, request bodies, the queue, and shutdown."""
