"""The HTTP server: uvicorn with bounds on connections, bodies and waiting, and its workers."""
