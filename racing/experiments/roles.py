"""Which version is champion and which are challengers, and what an experiment needs of the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Roles:
    """The champion, and the challengers in the order challenger, challenger-2, ...; each version once."""

    champion: int | None
    challengers: tuple[int, ...] = ()


class RegistryVersion(Protocol):
    """What is read of a version."""

    @property
    def gates(self) -> str | None:
        """``passed``, ``failed`` or None."""

    @property
    def gate_failures(self) -> str:
        """Why it failed its gates."""


class RoleRegistry(Protocol):
    """What an experiment needs of the registry; :class:`model_registry.registry.ModelRegistry` has it."""

    def roles(self) -> Roles:
        """Return who has which role, by one read of the aliases."""

    def version(self, version: int, /) -> RegistryVersion:
        """Return a version, or raise an error where there is none."""

    def set_challengers(self, versions: Sequence[int], /) -> None:
        """Let the challengers' aliases name these versions, and no others."""
