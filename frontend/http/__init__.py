"""Connections in both directions: the server and its bounds, and the client that asks the service."""
