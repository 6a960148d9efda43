"""How the service follows the registry: who serves, how a version comes in, and what is refused."""
