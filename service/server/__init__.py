"""Parts of the HTTP server: workers, connections with limits, request bodies, the queue, and shutdown."""
