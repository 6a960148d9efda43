"""The OpenAPI document: ``python -m service.openapi FILE`` writes it."""
