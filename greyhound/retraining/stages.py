"""The stages of a retraining, each of which finds what an earlier process has done and does the rest."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine, func, select

from greyhound.output.progress import progress
from greyhound.rating import rate_what_is_due
from greyhound.retraining.progress_file import Begun, ProgressFile
from model_registry.errors import NoChampion
from model_registry.registry import ModelRegistry, user_name
from model_registry.versions import PASSED, ModelVersion
from racing.database.tables import Run
from racing.domain.errors import ExperimentRefused, NotEnoughHistory
from racing.experiments.records import current_experiment
from racing.experiments.start_stop import start_challenge
from racing.importers.import_files import import_files
from racing.importers.report import FileStatus, ImportReport
from training.errors import SearchNotResumable
from training.gates import failed
from training.pipeline import TrainSettings, train

_RUN = Run.__table__  # type: ignore[attr-defined]
Say = Callable[[str], None]
CHAMPION_GATE = "not worse than champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """How a retraining ended."""

    version: int
    gates_passed: bool
    verdict: str
    """Of the test races, a sentence."""
    standing: str
    """What the version is now."""


def import_incoming(engine: Engine, folder: Path, say: Say) -> ImportReport | None:
    """Import every file below a folder that was not imported yet; files stay where they are."""
    if not folder.is_dir():
        say(f"import: there is no folder {folder}, so nothing new")
        return None
    with progress("importing files") as show:
        report = import_files(engine, [folder], on_progress=show)
    n_new, n_refused = report.n_files(FileStatus.IMPORTED), report.n_files(FileStatus.REFUSED)
    refused = f", {n_refused} refused" if n_refused else ""
    say(
        f"import: {n_new} new of {len(report.files)} files{refused}; "
        f"{report.n_added} runs added, {report.n_updated} updated"
    )
    for file in report.problems:
        if file.what == "file":
            say(f"import: {Path(file.file).name} is refused: {file.reason}")
    rate_what_is_due(engine)
    return report


def begin(engine: Engine, file: ProgressFile, now: dt.datetime, say: Say) -> Begun:
    """Return the retraining to go on with, or begin one."""
    begun = file.read(now)
    if begun is not None:
        say(f"going on with the retraining of {begun.at:%Y-%m-%d %H:%M} UTC, with races up to {begun.until}")
        return begun
    with engine.connect() as connection:
        has_result = (_RUN.c.date <= now.date()) & _RUN.c.won.is_not(None)  # races to come teach nothing
        until = connection.scalar(select(func.max(_RUN.c.date)).where(has_result))
    if until is None:
        raise NotEnoughHistory("the database holds no races to learn from; import or simulate some")
    begun = Begun(now, until)
    file.begin(begun)
    return begun


def train_challenger(
    engine: Engine,
    registry: ModelRegistry,
    settings: TrainSettings,
    begun: Begun,
    file: ProgressFile,
    say: Say,
) -> Begun:
    """Train and register, unless that is done; a search that was interrupted is resumed."""
    if begun.version is None and begun.is_training and (found := registered_since(registry, begun.at)):
        begun = _noted(
            begun, file, found.version, found.gates == PASSED, found.gate_failures or "gates passed"
        )
    if begun.version is not None:
        say(f"train: version {begun.version} is registered already")
        return begun
    begun = replace(begun, is_training=True)
    file.write(begun)
    search = replace(settings.search, storage=settings.search.storage or file.journal, resume=True)
    settings = replace(settings, until=begun.until, search=search)
    try:
        training = train(engine, registry, settings, stage=progress)
    except SearchNotResumable as error:
        say(f"train: the interrupted search is begun anew: {error}")
        anew = replace(settings, search=replace(search, resume=False))
        training = train(engine, registry, anew, stage=progress)
    reasons = {gate.name: gate.reason for gate in training.gates}
    failures = failed(training.gates)
    verdict = reasons.get(CHAMPION_GATE) or next(iter(reasons.values()), "no gate was applied")
    if failures:
        verdict = "; ".join(f"{gate.name}: {gate.reason}" for gate in failures)
    n_passed = len(training.gates) - len(failures)
    say(
        f"train: version {training.version} is registered, {n_passed} of {len(training.gates)} gates passed, "
        f"{training.seconds:.0f} s"
    )
    return _noted(begun, file, training.version, not failures, verdict)


def registered_since(registry: ModelRegistry, at: dt.datetime) -> ModelVersion | None:
    """Return the newest version that was registered with its gates since a time, if there is one."""
    newest = next(iter(registry.versions()), None)
    return newest if newest and newest.gates is not None and newest.created_at >= at else None


def place(engine: Engine, registry: ModelRegistry, begun: Begun, promote: bool, say: Say) -> str:
    """Put the new version where it belongs, unless it is there; return what it is now."""
    assert begun.version is not None
    version = begun.version
    try:
        champion = registry.champion_version_number()
    except NoChampion:
        champion = None
    if champion == version:
        standing = "the champion"
    elif not begun.gates_passed:
        standing = "registered, and nothing else, as it failed a gate"
    elif promote or champion is None:
        registry.promote(version, reason="retrained, and passed all gates")
        standing = "the champion now"
    else:
        standing = _shadow(engine, registry, version, champion)
    say(f"place: version {version} is {standing}")
    return standing


def _shadow(engine: Engine, registry: ModelRegistry, version: int, champion: int) -> str:
    running = current_experiment(engine)
    if running is not None and version in running.challengers:
        return f"challenger in experiment {running.id}, in {running.mode} beside version {champion}"
    try:
        started = start_challenge(
            engine, registry, challengers=[version], by=user_name(), reason="retrained, and passed all gates"
        )
    except ExperimentRefused as error:
        return f"registered, and not in shadow: {error}"
    return f"challenger in experiment {started.id}, in shadow beside version {champion}"


def _noted(begun: Begun, file: ProgressFile, version: int, gates_passed: bool, verdict: str) -> Begun:
    begun = replace(begun, version=version, gates_passed=gates_passed, verdict=verdict)
    file.write(begun)
    return begun
