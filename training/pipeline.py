"""The recipe: load, split, search, choose, fit on all but the test, evaluate, fit on all, register, promote.

Every figure is of the judged model, which has not seen the test races; what serves is the same recipe fitted
again on all races, those of the test too. Figures are of the written graphs, not of the estimators behind.
"""

import datetime as dt
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, make_url

from model_registry.artifact import LoadedModel
from model_registry.registry import ModelRegistry
from racing.domain.regions import COUNTRY_NAMES
from racing.features import (
    FEATURE_NAMES,
    FEATURE_VERSION,
    KNOWS,
    RUN_FEATURE_NAMES,
    features_for,
    need_price_before_off,
    race_table,
    run_features_for,
)
from racing.race_table import RaceTable
from racing.ratings.store import effects_document
from training.data.splits import Split, split_by_time
from training.data.whole_races import count_races, rows_with_prices_before_off
from training.errors import TrainingSetTooSmall
from training.evaluation.champion import champion_on, champion_reads_runs
from training.evaluation.evaluation import Evaluation
from training.evaluation.market import with_market_combination
from training.evaluation.monotone import Monotone, check_last_run
from training.evaluation.written_model import evaluate_written
from training.export.artifact import build_artifact, write_draft
from training.export.documents import data_hash, git_commit
from training.families import FieldFamily, family_named, reads_field
from training.gates import Gate, check_gates, failed
from training.publish import publish, publish_status
from training.refit import refit, with_refit
from training.report.build import build_report
from training.report.content import Standing
from training.report.findings import find
from training.result import Result, write_artifacts
from training.search.candidates import Candidate, fit_again, fit_again_ahead, fit_candidates
from training.search.choice import choose
from training.search.fitting import steps_of_fit
from training.search.schedule import planned_trials
from training.search.settings import SearchSettings
from training.stages import Stage, silent, timed


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """What a person decides about a training; days are inclusive."""

    start: dt.date | None = None
    until: dt.date | None = None
    test_from: dt.date | None = None
    countries: tuple[str, ...] = ()
    """Learn from races of these countries alone, and be judged on them; by default of all."""
    feature_scope: str = "form"
    """Which prices the features may hold, see :data:`racing.features.KNOWS`."""
    search: SearchSettings = field(default_factory=SearchSettings)
    refit: bool = True
    """Fit the judged recipe again on all races, and register that; otherwise the judged model serves."""
    promote: bool = True
    force: bool = False
    """Promote even if a gate is not passed; the record says so."""

    def __post_init__(self) -> None:
        if self.feature_scope not in KNOWS:
            raise ValueError(f"feature_scope must be one of {', '.join(KNOWS)}, got {self.feature_scope!r}")
        if not set(self.countries) <= COUNTRY_NAMES.keys():
            raise ValueError(f"countries must be of {', '.join(COUNTRY_NAMES)}, got {self.countries}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The result of a training: a registered version, and whether it serves."""

    version: int
    is_promoted: bool
    gates: tuple[Gate, ...]
    evaluation: Evaluation
    summary: Mapping[str, Any]
    run_id: str
    digest: str
    report: Path
    """The HTML page about it, one file."""
    seconds: float


def train(
    engine: Engine, registry: ModelRegistry, settings: TrainSettings | None = None, *, stage: Stage = silent
) -> Training:
    """Train on the database's races, register what was found best, promote it if every gate is passed.

    Nothing is registered before all work is done; an interrupted search can be resumed from its storage.

    Raises
    ------
    NotEnoughHistory, TrainingSetTooSmall
        If there are too few races.
    RatingsStale
        If the ratings are not up to date.
    """
    settings = settings or TrainSettings()
    if settings.search.storage is None:
        settings = replace(settings, search=replace(settings.search, storage=search_storage(registry)))
    stage = timed(stage)
    with_runs = any(map(reads_field, settings.search.families)) or champion_reads_runs(registry)
    with stage("Features") as report:
        table = race_table(
            engine,
            start=settings.start,
            until=settings.until,
            countries=settings.countries,
            with_runs=with_runs,
            on_progress=report,
        )
    features = features_for(settings.feature_scope)
    if need_price_before_off(feature.name for feature in features):
        table = _only_priced_before_off(table)
    effects = effects_document(engine, table.date.max().astype("datetime64[D]").item())
    run_names = [feature.name for feature in run_features_for(settings.feature_scope)] if with_runs else []
    table = table.with_features([FEATURE_NAMES.index(feature.name) for feature in features])
    table = table.with_run_features([RUN_FEATURE_NAMES.index(name) for name in run_names])
    names = [feature.name for feature in features]
    categorical = [feature.name for feature in features if feature.is_categorical]
    return train_on(
        table,
        names,
        categorical,
        registry,
        settings,
        effects=effects,
        run_feature_names=run_names,
        check_better_runs=partial(_check_better_runs, engine, settings.countries),
        stage=stage,
    )


def train_on(
    table: RaceTable,
    feature_names: Sequence[str],
    categorical_features: Sequence[str],
    registry: ModelRegistry,
    settings: TrainSettings,
    *,
    effects: Mapping[str, Any],
    run_feature_names: Sequence[str] = (),
    check_better_runs: Callable[[LoadedModel, RaceTable], Monotone | None] = lambda judged, test: None,
    stage: Stage = silent,
) -> Training:
    """Train on a table of races, with the names of its numbers of single runs; see :func:`train`.

    ``check_better_runs`` says of the judged model and the test races what a better last run does to a dog: a
    table alone has no runs that could be changed.
    """
    began, stage = time.monotonic(), timed(stage)
    origin = {"data_hash": data_hash(table), "feature_version": FEATURE_VERSION, "git_commit": git_commit()}
    split = split_by_time(table, test_from=settings.test_from)
    codes = [column for column, name in enumerate(feature_names) if name in set(categorical_features)]
    with stage("Search") as report:
        on_step = _counting(report, _planned_steps(settings.search))
        candidates = fit_candidates(split.train, split.calibration, settings.search, codes, on_step, on_step)
    with tempfile.TemporaryDirectory(prefix="greyhound-") as scratch:
        odds = {candidate.name: candidate.unseen_log_odds for candidate in candidates}
        steps = {candidate.name: candidate.scoring_steps for candidate in candidates}
        choice = choose(
            odds, split.calibration, settings.search.calibration, None if settings.search.best else steps
        )
        best = candidates[choice.name]
        with stage("Final fit") as report:
            on_fit = _counting(report, _fit_steps(best))
            chosen = fit_again(best, split.before_test, settings.search, codes, on_fit)
        refitted = None
        with _on_all_races(best, split, settings, codes) as on_all_races:  # beside the judging
            with stage("Judging"):
                package = build_artifact(
                    best, chosen, split, feature_names, FEATURE_VERSION, run_feature_names
                )
                judged = with_market_combination(write_draft(package, Path(scratch) / "draft"), split.test)
                package = replace(package, spec=judged.spec)
                evaluated = evaluate_written(
                    judged, chosen, split.test, package.baselines, package.f1_threshold
                )
                champion = champion_on(split.test, [*feature_names, *run_feature_names], registry)
                gates = check_gates(split.test, evaluated, package.baselines, champion)
                monotone = check_better_runs(judged, split.test)
            with stage("Learning curve and importance"):
                seconds = time.monotonic() - began
                findings = find(candidates, choice, split, settings.search, codes, judged, evaluated, seconds)
            if on_all_races is not None:
                with stage("Refit") as report:
                    fitted = on_all_races(_counting(report, _fit_steps(best)))
                    refitted = refit(fitted, package, judged, split.test, Path(scratch) / "refit")
                evaluated, gates = with_refit(evaluated, gates, refitted.agreement, len(split.test))
        result = Result(
            origin=origin,
            settings=settings.search,
            split=split,
            candidates=candidates,
            choice=choice,
            chosen=chosen,
            package=package,
            judged=judged,
            evaluated=evaluated,
            gates=gates,
            refit=refitted,
            monotone=monotone,
            feature_scope=settings.feature_scope,
            countries=settings.countries,
            findings=findings,
            stage_seconds=dict(stage.seconds),
            seconds=time.monotonic() - began,
        )
        with stage("Report"):
            artifacts = write_artifacts(result, effects, Path(scratch))
            documents = artifacts.documents
            content = build_report(result, documents)
            version = publish(result, documents, content, artifacts.served, registry, judged=artifacts.judged)
    standing = _promote(registry, version.version, gates, settings)
    content = replace(content, version=version.version, standing=standing)
    return Training(
        version=version.version,
        is_promoted=standing.startswith("promoted"),
        gates=gates,
        evaluation=evaluated.evaluation,
        summary=documents["summary"],
        run_id=version.run_id,
        digest=artifacts.digest,
        report=publish_status(content, version.run_id, registry),
        seconds=time.monotonic() - began,
    )


def _only_priced_before_off(table: RaceTable) -> RaceTable:
    """Return the races whose runners all had a price ten minutes before the off: it answers no others."""
    rows = rows_with_prices_before_off(table)
    if not rows.any():
        raise TrainingSetTooSmall(
            f"of {count_races(table):,} races none has a price of each runner ten minutes before the off; "
            "recordings of Betfair's stream and `POST /prices` bring them"
        )
    return table.take(rows)


def _check_better_runs(
    engine: Engine, countries: Sequence[str], judged: LoadedModel, test: RaceTable
) -> Monotone:
    """Turn a last run into a win in each of the latest test races, of four weeks at most."""
    first, last = (day.astype("datetime64[D]").item() for day in (test.date.min(), test.date.max()))
    start = max(first, last - dt.timedelta(days=27))
    return check_last_run(judged, engine, start=start, until=last, countries=countries)


def _planned_steps(search: SearchSettings) -> int:
    """Return the trials of a search, and the steps of the fits of what they found."""
    families = [family_named(name) for name in search.searched]
    fields = [family for family in families if isinstance(family, FieldFamily)]
    n_trials = planned_trials(len(families) - len(fields), search.n_trials)
    n_trials += sum(min(family.n_trials, search.n_trials) for family in fields)
    return n_trials + sum(steps_of_fit(family, family.defaults) for family in families)


def _on_all_races(
    candidate: Candidate, split: Split, settings: TrainSettings, categorical: Sequence[int]
) -> AbstractContextManager[Callable[[Callable[[str], None]], Candidate] | None]:
    """Begin to fit what will serve; ``None`` where the judged model serves itself."""
    if not settings.refit:
        return nullcontext()
    return fit_again_ahead(candidate, split.all_races, settings.search, categorical)


def _fit_steps(candidate: Candidate) -> int:
    return sum(steps_of_fit(family_named(member.name), member.params) for member in candidate.members)


def _counting(report: Callable[..., None], n_steps: int) -> Callable[[object], None]:
    done: list[object] = []

    def on_step(step: object) -> None:
        done.append(step)
        report(len(done), n_steps)

    report(0, n_steps)
    return on_step


def search_storage(registry: ModelRegistry) -> Path:
    """Return the journal of the search: beside an SQLite registry, else below var."""
    uri = registry.tracking_uri
    database = make_url(uri).database if uri.startswith("sqlite:") else None
    path = Path(database).with_name("search.journal") if database else Path("var/search.journal")
    return path.absolute()


def _promote(
    registry: ModelRegistry, version: int, gates: Sequence[Gate], settings: TrainSettings
) -> Standing:
    """Make the version champion, or challenger where it might be champion but must not be promoted."""
    failures = failed(gates)
    if failures and not settings.force:
        return "held back"
    if not settings.promote:
        registry.set_challenger(version)
        return "challenger"
    if failures:
        reason = f"forced, in spite of: {', '.join(gate.name for gate in failures)}"
    else:
        reason = f"passed all {len(gates)} gates"
    registry.promote(version, reason=reason, forced=bool(failures))
    return "promoted by force" if failures else "promoted"
