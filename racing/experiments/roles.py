"""Which version is champion and which are challengers, by the registry's aliases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from racing.domain.errors import ExperimentRefused
from racing.experiments.records import MAX_CHALLENGERS

CHAMPION = "champion"
CHALLENGERS = ("challenger", *(f"challenger-{number}" for number in range(2, MAX_CHALLENGERS + 1)))
"""In order."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The champion, and the challengers in the order challenger, challenger-2, ..."""

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

    def aliases(self) -> Mapping[str, int]:
        """Return which version each alias names."""

    def version(self, version: int, /) -> RegistryVersion:
        """Return a version, or raise an error where there is none."""

    def set_challenger(self, version: int | None, /) -> None:
        """Let the alias challenger name a version, or none."""


def roles_of(aliases: Mapping[str, int]) -> Roles:
    """Return the roles that aliases give; the champion is no challenger, and no version is one twice."""
    champion = aliases.get(CHAMPION)
    named = dict.fromkeys(aliases[alias] for alias in CHALLENGERS if alias in aliases)
    return Roles(champion, tuple(version for version in named if version != champion))


def name_challengers(registry: RoleRegistry, versions: Sequence[int]) -> None:
    """Let the challengers' aliases name these versions, and no others."""
    if len(versions) > 1:
        raise ExperimentRefused(f"the registry names one challenger at a time, got {[*versions]}")
    registry.set_challenger(versions[0] if versions else None)
