"""The routes, one module a tag."""
