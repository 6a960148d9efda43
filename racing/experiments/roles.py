"""Which version is champion and which are challengers, by the registry's aliases."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

CHAMPION = "champion"
_CHALLENGER = re.compile(r"challenger(?:-([2-9][0-9]?))?")


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

    def set_challengers(self, versions: Sequence[int], /) -> None:
        """Let the challengers' aliases name these versions, in order, and no others."""


def roles_of(aliases: Mapping[str, int]) -> Roles:
    """Return the roles that aliases give; the champion is no challenger, and no version is one twice."""
    champion = aliases.get(CHAMPION)
    places = [(_place(alias), version) for alias, version in aliases.items()]
    named = [version for place, version in sorted((p, v) for p, v in places if p is not None)]
    return Roles(champion, tuple(dict.fromkeys(version for version in named if version != champion)))


def name_challengers(registry: RoleRegistry, versions: Sequence[int]) -> None:
    """Let the challengers' aliases name these versions, and no others."""
    registry.set_challengers(versions)


def _place(alias: str) -> int | None:
    found = _CHALLENGER.fullmatch(alias)
    return None if found is None else int(found[1] or 1)
