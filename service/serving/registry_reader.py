"""What the registry has on record of its versions; of the champion, what the serving snapshot has.

Open pages poll every few seconds: an SQLite registry is read again only after something was written to it.
"""

from collections import OrderedDict
from typing import TYPE_CHECKING

from service.schemas.evidence import EvidenceOut
from service.serving.evidence import DOCUMENTS, evidence_of
from service.serving.slots import ModelSlots
from service.serving.watcher import AliasWatcher

if TYPE_CHECKING:  # they bring MLflow along, which takes a second
    from model_registry.fetch import ArtifactRef
    from model_registry.history import PromotionRecord
    from model_registry.registry import ModelRegistry
    from model_registry.versions import ModelVersion

MAX_CACHED = 64  # some 10 kB each


class RegistryReader:
    """Reads evidence and reports; evidence is read once, as an artifact never changes."""

    def __init__(self, slots: ModelSlots, watcher: AliasWatcher) -> None:
        self._slots = slots
        self._watcher = watcher
        self._cache: OrderedDict[tuple[int, str], EvidenceOut] = OrderedDict()

    async def versions(self) -> "list[ModelVersion]":
        """Return every version, the newest first."""
        return await self._watcher.ask(lambda registry: registry.versions())

    async def version(self, version: int) -> "ModelVersion":
        """Return one version."""
        return await self._watcher.ask(lambda registry: registry.version(version))

    async def changes(self) -> "tuple[list[PromotionRecord], int | None]":
        """Return the record of promotions, oldest first, and whom a rollback would make champion."""
        return await self._watcher.ask(lambda registry: registry.changes())

    async def evidence(self, version: int) -> EvidenceOut:
        """Return the evidence of a version.

        Raises
        ------
        model_registry.errors.RegistryError
            If the version is not the one that serves, and the registry has it not or is away.
        """
        serving = self._slots.peek()
        if serving is not None and serving.version == version:
            digest = serving.model.digest
            cached = self._cache.get((version, digest))
            evidence = cached or evidence_of(
                version, digest, {"model": serving.model.spec.as_json(), **serving.model.documents}
            )
        else:
            evidence = await self._watcher.ask(
                lambda registry: self._read(registry, registry.artifact_ref(version))
            )
        self._remember(evidence)
        return evidence

    async def report(self, version: int) -> str:
        """Return the page of a version's training; it may be written anew, so it is not cached."""
        return await self._watcher.ask(lambda registry: registry.report(version))

    def _read(self, registry: "ModelRegistry", ref: "ArtifactRef") -> EvidenceOut:
        """Return what the registry has of a version, in a thread."""
        digest = ref.digest or ""
        cached = self._cache.get((ref.version, digest))
        return cached or evidence_of(ref.version, digest, registry.documents(ref, DOCUMENTS))

    def _remember(self, evidence: EvidenceOut) -> None:
        key = (evidence.version, evidence.digest)
        self._cache[key] = evidence
        self._cache.move_to_end(key)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)
