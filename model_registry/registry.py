"""The registry of models in MLflow: register, promote, roll back, read versions, fetch artifacts."""

import datetime as dt
import getpass
import importlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from model_registry.aliases import CHALLENGER, CHALLENGERS, CHAMPION, MAX_CHALLENGERS, challengers_among
from model_registry.artifact import load_artifact
from model_registry.cache import VerifiedArtifact
from model_registry.documents import read_documents, read_report
from model_registry.errors import (
    GatesNotPassed,
    NoChampion,
    NoSuchVersion,
    PromotionRefused,
    RegistryUnavailable,
)
from model_registry.fetch import ArtifactRef, artifact_ref, fetch_artifact, fetch_of_run
from model_registry.history import (
    MAX_REASON,
    Action,
    PromotionRecord,
    carried_out_tag,
    earlier_champions,
    probation_tag,
    read_history,
    tag_of,
)
from model_registry.learning import JUDGED, learning_of
from model_registry.live_figures import Day, log_live_days
from model_registry.mlflow_store.records import ModelRecord, VersionRecord, version_record
from model_registry.mlflow_store.store import MlflowStore
from model_registry.versions import FAILED, PASSED, ModelVersion, read_version
from racing.experiments.policy import Policy
from racing.experiments.roles import Roles

MODEL = "greyhound-win"


class ModelRegistry:
    """Versions of the model and which one serves; safe to share between threads, opened when first used.

    See :func:`model_registry.get_model_registry` for the arguments. Any method raises
    :class:`~model_registry.errors.RegistryUnavailable` while the registry is absent, locked or out of reach.
    """

    def __init__(self, uri: str | None = None, *, create: bool = False) -> None:
        self._store = MlflowStore(uri, create=create)

    def __str__(self) -> str:
        return str(self._store)

    @property
    def tracking_uri(self) -> str:
        """The MLflow address, for runs that belong to a version; may hold a password, never print it."""
        return self._store.uri

    def prepare(self) -> None:
        """Import what reading takes: MLflow for a tracking server, which takes seconds, else nothing."""
        if self._store.is_server:
            importlib.import_module("mlflow")

    def experiment(self, name: str = "greyhound") -> str:
        """Return the id of an MLflow experiment, made if absent, with its artifacts beside the registry."""
        return self._store.experiment(name)

    def register(
        self,
        directory: Path | str,
        *,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str = "",
    ) -> ModelVersion:
        """Check an artifact, log it as a pyfunc to a run (made if none is given), and make it a version.

        Needs the ``training`` extra; everything else here works with mlflow-skinny.
        """
        from model_registry.publish import publish

        with self._store.errors():
            run_id = run_id or self._new_run()
            entry = publish(self._store.client, MODEL, Path(directory), run_id, dict(tags or {}), description)
        return read_version(version_record(entry), {})

    def record_gates(self, version: int, failures: Iterable[str]) -> ModelVersion:
        """Record the result of the gates: no failure is a pass; promoting a failed version takes force."""
        self.version(version)
        failed = "; ".join(failures)
        with self._store.errors():
            client = self._store.client
            client.set_model_version_tag(MODEL, str(version), "gate_failures", failed)
            client.set_model_version_tag(MODEL, str(version), "gates", FAILED if failed else PASSED)
        return self.version(version)

    def promote(
        self,
        version: int,
        *,
        reason: str,
        by: str | None = None,
        forced: bool = False,
        probation: Policy | None = None,
        instead_of: int | None = None,
    ) -> PromotionRecord:
        """Make a version the champion, once its artifact is verified, and record why.

        Parameters
        ----------
        probation
            The policy by which a service may bring the version before back.
        instead_of
            Refuse if another version than this one is champion by now.

        Raises
        ------
        PromotionRefused
            If it is the champion already, or failed its gates and ``forced`` is not set.
        """
        target = self.version(version)
        if CHAMPION in target.aliases:
            raise PromotionRefused(f"version {version} is the champion already")
        if target.gates == FAILED and not forced:
            raise GatesNotPassed(f"version {version} did not pass its gates: {target.gate_failures}")
        return self._make_champion(target.version, "promote", reason, by, forced, probation, instead_of)

    def rollback(
        self, *, reason: str, by: str | None = None, to: int | None = None, instead_of: int | None = None
    ) -> PromotionRecord:
        """Make the champion before this one champion again, by the record; twice goes further back.

        Parameters
        ----------
        to
            The version that comes back, if it is known; by default the record tells.
        instead_of
            Refuse if another version than this one is champion by now.
        """
        model = self._model()
        current = model.aliases.get(CHAMPION)
        if current is None:
            raise NoChampion(f"{self} has no champion to roll back from")
        if to == current:
            raise PromotionRefused(f"version {to} is the champion already")
        earlier = to or self._before(read_history(model.tags, current), current)
        if earlier is None:
            raise PromotionRefused(f"version {current} is the first champion on record, there is none before")
        return self._make_champion(earlier, "rollback", reason, by, False, None, instead_of)

    def set_challenger(self, version: int | None) -> None:
        """Name the first challenger, which would replace the champion; None removes the name.

        Other challengers keep theirs, but a version has one name only.
        """
        others = [self._record().aliases.get(alias) for alias in CHALLENGERS[1:]]
        self._name_challengers([version, *(one if one != version else None for one in others)])

    def set_challengers(self, versions: Sequence[int]) -> None:
        """Name the challengers, in order; versions that are not among them lose their names.

        Raises
        ------
        PromotionRefused
            If they are more than :data:`MAX_CHALLENGERS`, one is there twice, or the champion is among them.
        """
        champion = self._record().aliases.get(CHAMPION)
        if len(versions) > MAX_CHALLENGERS or len(set(versions)) < len(versions) or champion in versions:
            rule = f"there are at most {MAX_CHALLENGERS} challengers, each once, and the champion is none"
            raise PromotionRefused(f"{rule}; got {[*versions]}")
        self._name_challengers(versions)

    def roles(self) -> Roles:
        """Return the champion, if there is one, and the challengers, by one read of 3 ms."""
        with self._store.errors():
            aliases = self._store.reader.aliases(MODEL)
        return Roles(aliases.get(CHAMPION), tuple(dict.fromkeys(challengers_among(aliases).values())))

    def champion(self) -> ModelVersion:
        """Return the version that serves."""
        return self.version(self.champion_version_number())

    def challenger(self, alias: str = CHALLENGER) -> ModelVersion:
        """Return the version of a challenger's alias; the first one would replace the champion."""
        number = self._model().aliases.get(alias)
        if alias not in CHALLENGERS or number is None:
            raise NoChampion(f"{self} has no {alias} of {MODEL!r}")
        return self.version(number)

    def challenger_versions(self) -> dict[str, int]:
        """Return the version of each challenger's alias, in their order, by one read of 3 ms."""
        with self._store.errors():
            aliases = self._store.reader.aliases(MODEL)
        return challengers_among(aliases)

    def challenger_refs(self) -> list[ArtifactRef]:
        """Return the challengers and where their artifacts are, in the order of their aliases."""
        refs = []
        for version in self.challenger_versions().values():
            with suppress(NoSuchVersion):  # deleted since, or an alias of nothing
                refs.append(self.artifact_ref(version))
        return refs

    def champion_version_number(self) -> int:
        """Return the champion's version by one read of the alias."""
        return self.champion_ref().version

    def champion_ref(self) -> ArtifactRef:
        """Return the champion's version and where its artifact is, by one read of 3 ms."""
        with self._store.errors():
            found = self._store.reader.version_by_alias(MODEL, CHAMPION)
        if found is None:
            raise NoChampion(f"{self} has no {CHAMPION} of {MODEL!r}; promote a version")
        return artifact_ref(found)

    def version(self, version: int) -> ModelVersion:
        """Return one version."""
        return read_version(self._entry(version), self._model().aliases)

    def versions(self) -> list[ModelVersion]:
        """Return every version, the newest first; none where nothing was ever registered."""
        aliases = self._model().aliases
        with self._store.errors():
            records = self._store.reader.versions(MODEL)
        found = [read_version(record, aliases) for record in records]
        return sorted(found, key=lambda version: version.version, reverse=True)

    def history(self) -> list[PromotionRecord]:
        """Return every promotion and rollback, oldest first."""
        model = self._model()
        return read_history(model.tags, model.aliases.get(CHAMPION))

    def changes(self) -> tuple[list[PromotionRecord], int | None]:
        """Return the history, oldest first, and the version that :meth:`rollback` would make champion."""
        model = self._model()
        current = model.aliases.get(CHAMPION)
        history = read_history(model.tags, current)
        return history, None if current is None else self._before(history, current)

    def fetch(self, version: int) -> Path:
        """Return a local directory with a version's artifact, verified against the digest on record."""
        return self.fetch_files(self.artifact_ref(version)).directory

    def fetch_judged(self, version: int) -> Path:
        """Return a local directory with the model that a version's figures are of, verified by its digest.

        That is the version itself, unless it was fitted again on all races after the judgement.
        """
        entry = self._entry(version)
        judged = learning_of(self.documents(artifact_ref(entry), [JUDGED, "training"])).judged_digest
        if judged is None:
            return self.fetch(version)
        with self._store.errors():
            run_id = str(entry.run_id)
            return fetch_of_run(self._store, run_id, JUDGED, version=version, digest=judged).directory

    def fetch_files(self, ref: ArtifactRef) -> VerifiedArtifact:
        """Return an artifact's files, verified; those on this machine are read where they lie."""
        with self._store.errors():
            return fetch_artifact(self._store, MODEL, ref)

    def artifact_ref(self, version: int) -> ArtifactRef:
        """Return where a version's artifact is, by one read."""
        return artifact_ref(self._entry(version))

    def documents(self, ref: ArtifactRef, names: Sequence[str]) -> dict[str, Any]:
        """Return JSON documents of an artifact by name, verified; its graphs are not fetched."""
        with self._store.errors():
            return read_documents(self._store, MODEL, ref, names)

    def report(self, version: int) -> str:
        """Return the page of the training that made a version, or raise :class:`NoReport`."""
        run_id = self._entry(version).run_id
        with self._store.errors():
            return read_report(self._store, version, run_id)

    def log_live_days(self, version: int, days: Sequence[Day]) -> int:
        """Write days of live figures into a version's MLflow run, each once; return how many were new."""
        run_id = self._entry(version).run_id
        if not run_id or not days:
            return 0
        with self._store.errors():
            return log_live_days(self._store.client, run_id, days)

    def _before(self, history: Sequence[PromotionRecord], current: int) -> int | None:
        """Return the nearest champion before the current one that is still there."""
        for version in earlier_champions(history, current):
            with suppress(NoSuchVersion):
                return self._entry(version).version
        return None

    def _make_champion(
        self,
        version: int,
        action: Action,
        reason: str,
        by: str | None,
        forced: bool,
        probation: Policy | None,
        instead_of: int | None,
    ) -> PromotionRecord:
        if not reason.strip() or len(reason) > MAX_REASON:
            raise PromotionRefused(f"a reason has 1..{MAX_REASON} characters, got {len(reason.strip())}")
        load_artifact(self.fetch(version)).check_golden()
        with self._store.errors():
            writer, model = self._store.writer, self._record()
            current = model.aliases.get(CHAMPION)
            if instead_of not in (None, current):
                raise PromotionRefused(f"version {current} is the champion by now, not {instead_of}")
            record = PromotionRecord(
                number=len(read_history(model.tags, current)) + 1,
                action=action,
                version=version,
                previous=current,
                reason=reason.strip(),
                by=by or user_name(),
                forced=forced,
                at=dt.datetime.now(dt.UTC),
                probation=probation,
            )
            key, event = tag_of(record)
            if probation is not None:
                writer.set_tag(MODEL, *probation_tag(key, probation))
            writer.set_tag(MODEL, key, event)
            writer.set_alias(MODEL, CHAMPION, version)
            # Of two promoters at once the one later on record wins, not the one that set the alias last.
            after = self._record()
            last = read_history(after.tags, after.aliases.get(CHAMPION))[-1].version
            if last != version:
                writer.set_alias(MODEL, CHAMPION, last)
            # The previous champion's too: its promoter may have been killed before it came to that.
            for alias in CHALLENGERS:
                if after.aliases.get(alias) in {last, current} - {None}:
                    writer.delete_alias(MODEL, alias)
        if last == version:
            with suppress(RegistryUnavailable), self._store.errors():  # it took effect, recorded or not
                writer.set_tag(MODEL, *carried_out_tag(key, dt.datetime.now(dt.UTC)))
        return record

    def _name_challengers(self, versions: Sequence[int | None]) -> None:
        """Set each challenger's alias, or remove it where there is no version for it."""
        for version in versions:
            if version is not None:
                self.version(version)
        named = dict(zip(CHALLENGERS, versions, strict=False))
        with self._store.errors():
            writer, before = self._store.writer, self._record().aliases
            for alias in CHALLENGERS:
                if (version := named.get(alias)) is None:
                    if alias in before:
                        writer.delete_alias(MODEL, alias)
                elif before.get(alias) != version:
                    writer.set_alias(MODEL, alias, version)

    def _model(self) -> ModelRecord:
        """Return the model's record, in which the champion is no challenger of itself.

        A promoter that is killed leaves both aliases on one version; the next promotion removes the second.
        """
        record = self._record()
        others = {alias: version for alias, version in record.aliases.items() if alias not in CHALLENGERS}
        return replace(record, aliases=others | challengers_among(record.aliases))

    def _record(self) -> ModelRecord:
        """Return the model's record, an empty one where nothing was ever registered."""
        with self._store.errors():
            return self._store.reader.model(MODEL) or ModelRecord({}, {})

    def _entry(self, version: int) -> VersionRecord:
        with self._store.errors():
            found = self._store.reader.version(MODEL, version)
        if found is None:
            raise NoSuchVersion(f"{self} has no version {version} of {MODEL!r}")
        return found

    def _new_run(self) -> str:
        run = self._store.client.create_run(self.experiment(), run_name="register")
        self._store.client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


def user_name() -> str:
    """Return the name of this process's user, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
