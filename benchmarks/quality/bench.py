"""The bench: the plan, the cached steps, and the databases, tables and models that several parts share."""

import datetime as dt
import functools
import shlex
from collections.abc import Callable

import click
import numpy as np

from benchmarks.quality import product
from benchmarks.quality.plan import Plan
from benchmarks.quality.product import Trained
from benchmarks.quality.step_cache import StepCache
from racing.database.engine import open_database
from racing.domain.runs import Floats, Form, Ints
from racing.features import race_table
from racing.race_table import RaceTable
from racing.ratings.dog_forms import CHANGES

FEATURE_SCOPE_OPTIONS: dict[str, tuple[str, ...]] = {
    "form": (),
    "results": ("--knows", "results"),
    "rated": ("--knows", "rated"),
}
"""The option of `greyhound train` for each of the table's models: prices of past races are the default.

By its older name: stored steps are found by their options."""


ChangeForm = Callable[[Ints, Form], Form]


def form_as_settled(run_id: Ints, form: Form) -> Form:
    """Return each dog's runs as the product reads them."""
    return form


def form_as_of_its_days(run_id: Ints, form: Form) -> Form:
    """Return them as if the levels of their races had stayed what they were on the day itself."""
    return Form(_AsOfItsDays(form))


class _AsOfItsDays(dict[str, Floats]):
    """Columns of a form without what has been learnt of the levels of its races since."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, name: str) -> Floats:
        values = self._form[name]
        self[name] = np.where(np.isnan(values), values, 0.0) if name in CHANGES else values
        return self[name]


class Bench:
    """One run of the benchmark; everything is worked out at its first use and then shared."""

    def __init__(self, plan: Plan, steps: StepCache) -> None:
        self.plan = plan
        self.steps = steps
        self._table: tuple[object, RaceTable] | None = None

    @functools.cached_property
    def database(self) -> str:
        """Return the database of all files."""
        return product.import_data(self.plan, self.steps)

    @functools.cached_property
    def guides_database(self) -> str:
        """Return the database of the form guides alone."""
        return product.import_guides(self.plan, self.steps)

    @property
    def test_days(self) -> tuple[str, str]:
        """Return the first and the last test day as the command takes them."""
        return self.plan.test_from.isoformat(), self.plan.until.isoformat()

    def settings(self, days: tuple[dt.date, dt.date], **more: object) -> dict[str, object]:
        """Return the settings of a step that judges on some days."""
        options = shlex.join(self.plan.train_options)
        return {"days": f"{days[0]} to {days[1]}", "train_options": options, **more}

    def table(
        self,
        database: str,
        start: dt.date | None,
        until: dt.date,
        *,
        with_runs: bool = False,
        change_form: ChangeForm = form_as_settled,
    ) -> RaceTable:
        """Return the races of some days with their features, and where wanted the numbers of single runs."""
        key = (database, start, until, change_form)
        held = self._table
        if held is None or held[0] != key or with_runs > (held[1].run_features is not None):
            self._table = None  # one at a time: a table of everything takes hundreds of MB
            click.echo(f"  features, {start or 'from the first race'} to {until}", err=True)
            held = (
                key,
                race_table(
                    open_database(database),
                    start=start,
                    until=until,
                    with_runs=with_runs,
                    change_form=change_form,
                ),
            )
            self._table = held
        return held[1] if with_runs else held[1].with_run_features(None)

    def model(self, name: str) -> Trained:
        """Return one of the table's models, trained for the test window by the product's own command."""
        first, last = self.test_days
        options = ("--test-from", first, "--until", last, *FEATURE_SCOPE_OPTIONS[name])
        return product.train(name, self.database, options, self.plan, self.steps)


def between(table: RaceTable, first: dt.date, last: dt.date) -> RaceTable:
    """Return the races of some days, both inclusive."""
    return table.take((table.date >= np.datetime64(first)) & (table.date <= np.datetime64(last)))
