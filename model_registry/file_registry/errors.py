"""What an export refuses; its other errors are those of the registry."""

from model_registry.errors import RegistryError


class ExportRefused(RegistryError):
    """Versions would be written over files that are no export of ours."""
