# ruff: noqa: F811 (fixtures)
"""The report of a training has the summary's figures, on its own, and for everyone who can read HTML."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from mlflow import MlflowClient
from playwright.sync_api import expect

from racing.features import KNOWS
from racing.metrics import Difference
from tests.frontend.builders import NARROW, WIDE, opened, serious_findings, sideways
from tests.frontend.conftest import browser  # noqa: F401 (a fixture)
from tests.model_registry.empty import empty_registry_in
from tests.training.builders import FEATURE_NAMES, make_table
from training.evaluation.baselines import learn_baselines
from training.evaluation.evaluation import MARKET, MODEL
from training.evaluation.monotone import Monotone, Moved
from training.gates import Gate
from training.pipeline import TrainSettings, train_on
from training.report.ageing import ageing_curve
from training.report.build import build_report
from training.report.charts import useful_range
from training.report.content import BY_RACE, FamilySearch, TrialSummary
from training.report.loss_metric import LossMetric
from training.report.page import SECTIONS, render_report
from training.report.plots import draw_plots
from training.report.sentences import key_figures, kind_of, smote_text, verdict_text
from training.report.text import interval, number, percent, with_error
from training.search.settings import SearchSettings

VOID = {"meta", "wbr", "br", "hr"}


class Page(HTMLParser):
    """A page as a reader of HTML sees it, charts with their values; refuses what is not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.texts, self.specs = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.specs += [json.loads(data)] if "chart" in self.class_of("div") else []
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)

    def class_of(self, tag):
        """The class of the innermost open element of a tag."""
        return next((attrs.get("class", "") for name, attrs, _ in self.elements[::-1] if name == tag), "")

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def all(self, tag):
        return [attrs for name, attrs, _ in self.elements if name == tag]


def train(folder, monkeypatch, table):
    """Train a small model and return what became of it, with the content of its page."""
    contents = []

    def keep(result, documents):
        contents.append(build_report(result, documents))
        return contents[-1]

    monkeypatch.setattr("training.pipeline.build_report", keep)
    registry = empty_registry_in(folder)
    search = SearchSettings(families=("logistic_regression", "xgboost"), n_trials=2, n_jobs=1)
    settings = TrainSettings(search=search)
    training = train_on(table, FEATURE_NAMES, ["feature_5"], registry, settings, effects={})
    return training, contents[-1], registry


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return train(tmp_path_factory.mktemp("page"), patch, make_table(900))


@pytest.fixture(scope="module")
def content(trained):
    return replace(trained[1], version=7, standing="promoted")


@pytest.fixture(scope="module")
def page(content):
    return Page(render_report(content))


def test_a_training_leaves_its_page_beside_the_registry_and_in_its_run(trained, tmp_path):
    training, _, registry = trained
    assert training.report.parent.name == "reports"
    assert training.report.parent.parent.joinpath("mlflow.db").is_file()
    assert training.report.name == f"version-{training.version}.html"
    written = training.report.read_text(encoding="utf-8")
    assert f"Version {training.version}:" in written
    client = MlflowClient(registry.tracking_uri)
    logged = client.download_artifacts(training.run_id, "report.html", str(tmp_path))
    assert Path(logged).read_text(encoding="utf-8") == written
    assert len(written.encode()) < 1_500_000  # 0.9 MB of them are Vega


def test_every_section_begins_with_a_sentence_that_says_what_to_see(page):
    sections = page.all("section")
    assert {section["id"] for section in sections} == set(SECTIONS)
    places = [i for i, (tag, _, _) in enumerate(page.elements) if tag == "section"]
    for i in places:
        (_, heading, _), (lead_tag, lead, _) = page.elements[i + 1 : i + 3]
        assert heading["id"] == page.elements[i][1]["aria-labelledby"]
        assert (lead_tag, lead["class"]) == ("p", "lead")
    links = {attrs["href"].removeprefix("#") for attrs in page.all("a")}
    assert links == set(SECTIONS)


def test_the_page_needs_nothing_but_itself(content, page):
    written = re.sub(r"<script.*?</script>", "", render_report(content), flags=re.DOTALL)
    for tag, attrs, _ in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "image", "use"}
        for name, value in attrs.items():
            if name in {"href", "src", "action", "data", "xlink:href"}:
                assert value.startswith("#")
    assert not re.search(r"url\(|@import|https?://", written)


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("is_dark", [False, True])
def test_every_chart_is_drawn_without_network_for_everyone(browser, content, tmp_path, width, is_dark):
    file = tmp_path / "report.html"
    file.write_text(render_report(content), encoding="utf-8")
    with opened(browser, file.as_uri(), width=width, is_dark=is_dark) as page:
        page.context.set_offline(True)
        expect(page.locator(".chart:not([data-drawn])")).to_have_count(0)
        assert page.locator(".chart svg .mark-symbol path").count() > 100
        assert serious_findings(page) == []
        assert sideways(page) == []


def test_a_dot_shows_its_values_under_the_pointer(browser, content, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render_report(content), encoding="utf-8")
    with opened(browser, file.as_uri()) as page:
        chart = page.locator("#ageing .chart[data-drawn]")
        chart.locator(".mark-symbol path").first.hover()
        week = content.ageing.weeks[0]
        expect(page.locator("#vg-tooltip-element")).to_contain_text(interval(week.minus_reference))


def test_without_scripts_the_values_stand_in_tables(browser, content):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_content(render_report(content))
    expect(page.locator("#lift .picture").first).to_contain_text("the values are in the table below")
    page.locator("#lift summary").first.click()
    expect(page.locator("#lift table").first).to_be_visible()
    context.close()


def test_its_figures_are_those_of_the_summary(content, page):
    summary = content.summary
    assert {
        number(summary["race_log_loss"]),
        number(summary["ece"]),
        percent(summary["market_information"]),
        percent(summary["truth_covered"]),
    } <= {figure for _, figure, _ in key_figures(content)}
    for loss in (*summary["baselines"].values(), *summary["beside_market"].values()):
        assert number(loss) in page.text
    for value in (summary["accuracy"], summary["nobody_wins_accuracy"]):
        assert " ".join(percent(value).split()) in page.text
    assert summary["judgement"] in page.text
    assert f"seen none of those {summary['data']['test']['races']:,} whole races" in page.text
    assert f"Learnt from {summary['learnt']['races']:,} whole races" in page.text
    for gate in summary["gates"]:
        assert gate["reason"] in page.text
    assert "SIMULATED" in page.text
    assert (
        "made up by the simulator"
        not in Page(render_report(replace(content, summary={**summary, "simulated_share": 0.0}))).text
    )


def test_every_chart_has_a_description_and_a_table_of_its_values(page):
    charts = [attrs for attrs in page.all("div") if attrs.get("class") == "chart"]
    assert len(charts) == len(page.specs) > 12
    assert len(page.all("figure")) == len(page.all("details")) == len(charts)
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 10 for attrs in charts)
    assert all(spec["layer"] and spec["datasets"] for spec in page.specs)
    assert all(attrs.get("scope") for attrs in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    ids = [attrs["id"] for _, attrs, _ in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_every_slice_stands_beside_the_market_realised_and_as_it_expects(content, page):
    assert "Every slice beside the prices" in page.text
    of_all = content.overall.gaps[MARKET]
    assert f"{with_error(of_all.realised)} {with_error(of_all.expected)}" in page.text
    first = next(lift.of for lift in content.lifts if lift.of.name == "none known")
    assert f"first starters {first.n_compared:,} {number(first.losses[MODEL])}" in page.text
    width = of_all.expected.high - of_all.expected.low
    assert width < 0.5 * (of_all.realised.high - of_all.realised.low)


def test_each_candidate_has_its_seconds_and_the_time_of_a_card(content, page):
    for one in content.candidates:
        assert one.seconds > 0
        assert f"{one.steps:,}" in page.text
    titles = {spec["layer"][0]["encoding"]["x"]["axis"]["title"] for spec in page.specs if _is_of_cost(spec)}
    assert titles == {"seconds of training", "milliseconds for a card of eight"}


def test_what_a_better_run_does_is_shown_or_that_it_was_not_checked(content, page):
    assert "Not checked: these races came without the dogs' runs" in page.text
    worst = Moved(race_id=1, run_id=77, before=0.2, after=0.15)
    found = Monotone(
        n_races=1234,
        median_odds_ratio=1.31,
        share_worse=0.12,
        share_much_worse=0.034,
        share_much_worse_by_runs={"1": 0.1, "6 and more": 0.02},
        worst=(worst,),
    )
    text = Page(render_report(replace(content, monotone=found))).text
    assert "in each of 1,234 races" in text
    assert "1.31 times" in text
    assert " ".join(f"run 77 {percent(0.2)} {percent(0.15)} 0.71".split()) in text


def _is_of_cost(spec):
    return any("cost" in row for rows in spec["datasets"].values() for row in rows)


def test_names_and_reasons_are_text_never_markup(content):
    evil = '<script>alert("1")</script>&amp;'
    importance = replace(content.importance, features={evil: Difference(1.0, 0.9, 1.1)})
    gates = (Gate(evil, False, evil),)
    origin = replace(content.origin, command=evil)
    written = render_report(replace(content, importance=importance, gates=gates, origin=origin))
    page = Page(written)
    of_page = Page(render_report(content))
    assert page.all("script") == of_page.all("script")
    assert page.text.count(evil) >= 4
    assert any(
        evil in json.dumps(spec["datasets"], ensure_ascii=False).replace('\\"', '"') for spec in page.specs
    )


def test_the_verdict_names_what_became_of_the_model(content):
    bad = Gate("calibrated", False, "0.03 must be at most 0.015")
    passed = f"passed all {len(content.gates)} gates."
    held_back = replace(content, gates=(*content.gates, bad), standing="held back")
    assert verdict_text(content) == f"Promoted: {passed}"
    assert verdict_text(replace(content, standing="challenger")).endswith(passed)
    assert verdict_text(held_back) == "Held back: did not pass calibrated."
    assert "by force" in verdict_text(replace(held_back, standing="promoted by force"))
    assert "Held back: did not pass calibrated." in Page(render_report(held_back)).text


def test_a_learning_curve_without_time_says_what_it_left_out(content):
    curve = content.curve
    assert [point.share for point in curve.points][-1] == 1.0
    rushed = replace(curve, points=curve.points[-1:], skipped=(0.125, 0.25, 0.5))
    text = Page(render_report(replace(content, curve=rushed))).text
    assert "There was no time to refit" in text
    assert "12.5 %, 25.0 % and 50.0 %" in text


def test_form_guides_are_judged_runner_by_runner(tmp_path, monkeypatch):
    table = make_table(400, is_whole=np.zeros(2400, bool))
    training, content, _ = train(tmp_path, monkeypatch, table)
    page = Page(training.report.read_text(encoding="utf-8"))
    assert content.loss_name == "log loss per runner"
    assert "judged one by one" in page.text
    assert number(training.summary["log_loss"]) in page.text
    assert {section["id"] for section in page.all("section")} == set(SECTIONS)


def test_the_command_names_every_day_so_that_later_races_change_nothing(content):
    data = content.summary["data"]
    command = " ".join(content.origin.command.replace("\\\n", "").split())
    assert command.startswith(
        f"greyhound train --from {data['train']['from']} --until {data['test']['until']} "
    )
    assert f"--test-from {data['test']['from']}" in command
    assert "--families logistic_regression,xgboost --knows form --trials 2 --seed 0" in command


def test_the_page_has_a_sentence_for_each_scope_of_features(content):
    texts = {Page(render_report(replace(content, feature_scope=scope))).text for scope in KNOWS}
    assert len(texts) == len(KNOWS)


def tried(balance, loss, *, others="same", folds=None, is_complete=True):
    folds = (loss,) * 3 if folds is None else folds
    return TrialSummary(
        number=0, loss=loss, fold_losses=folds, is_complete=is_complete, balance=balance, others=others
    )


def searched(*trials, family="xgboost"):
    return FamilySearch(family=family, trials=trials, best=trials[0], best_params={}, search_s=1.0, fit_s=1.0)


def test_smote_is_held_against_the_best_without_it_that_judges_runners_too():
    text = smote_text(
        [
            searched(tried("none", 1.600), tried("smote_nc", 1.610), tried(BY_RACE, 1.500)),
            searched(tried("class_weight", 1.604), tried("smote_nc", 1.700), family="catboost"),
        ]
    )
    assert "(XGBoost, 1.6100) is 0.0100 worse than the best without (XGBoost, 1.6000)" in text
    assert "the same it changed the loss by: XGBoost +0.0100." in text
    assert "whole races, where nothing is to balance, was better than either: 1.5000." in text


def test_smote_trials_that_were_stopped_early_are_compared_on_the_folds_they_reached():
    text = smote_text(
        [
            searched(
                tried("none", 1.6, folds=(1.7, 1.5)),
                tried("smote_nc", 1.72, folds=(1.72,), is_complete=False),
            )
        ]
    )
    assert "No trial with SMOTE-NC could be completed" in text
    assert "XGBoost +0.0200" in text
    assert "made no trial" in smote_text([searched(tried("none", 1.6))])


def test_a_few_bad_trials_do_not_squeeze_the_others():
    good = [tried("none", 1.60 + i / 1000) for i in range(20)]
    low, high = useful_range([*good, tried("smote_nc", 9.0), tried("focal", 4.0)])
    assert low == 1.60
    assert 1.619 < high < 1.7


@pytest.mark.parametrize(("drift", "ages"), [(0.0, False), (0.1, True)])
def test_a_model_that_ages_is_seen_to_age(drift, ages):
    table = make_table(600, races_a_day=10, market_probability=np.full(3600, np.nan))
    metric = LossMetric(table, np.ones(3600, bool), True)
    baselines = learn_baselines(table)
    _, uniform = metric.reference(baselines)
    weeks = (metric.days - metric.days[0]) / np.timedelta64(7, "D")
    noise = np.random.default_rng(3).normal(scale=0.2, size=len(uniform))
    losses = uniform - 0.3 + drift * weeks + noise
    found = ageing_curve(losses, metric, baselines, table.date[0] - 8, losses - uniform - noise)
    assert found.reference == "uniform"
    assert [week.number for week in found.weeks] == list(range(1, 10))
    assert sum(week.n_races for week in found.weeks) == 600
    assert (found.per_four_weeks.low > 0) is ages
    assert found.per_four_weeks.low < 4 * drift < found.per_four_weeks.high
    assert found.expected_per_four_weeks.difference == pytest.approx(4 * drift, abs=0.03)
    assert sum(month.n_races for month in found.months) == 600
    assert [month.number for month in found.months] == [0, 1, 2]


def test_the_pictures_in_the_run_are_whole_svg_files(content):
    plots = draw_plots(content)
    assert set(plots) == {"reliability", "roc", "feature_importance", "search_history"}
    for picture in plots.values():
        assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
    assert all(f">{name}<" in plots["feature_importance"] for name in FEATURE_NAMES)


@pytest.mark.parametrize(
    ("families", "title"),
    [
        (("xgboost",), "XGBoost"),
        (("field_net", "xgboost"), "Ensemble of a field net and XGBoost"),
        (("catboost", "field_net", "xgboost"), "Ensemble of CatBoost, a field net and XGBoost"),
        (("xgboost", "catboost", "logistic_regression", "random_forest"), "Ensemble of 4 families"),
    ],
)
def test_a_model_is_called_by_what_it_is_made_of(content, families, title):
    members = tuple((family, 1 / len(families)) for family in families)
    page = Page(render_report(replace(content, members=members)))
    assert f"Version 7: {title}" in page.text
    assert kind_of(replace(content, members=members)) == title
