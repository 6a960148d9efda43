"""``greyhound predict`` on cards in JSON and on form guides, without and with a race database."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from greyhound.cli import main
from service.schemas.card import EXAMPLE_CARD
from tests.service.builders import make_card, make_registry, running_service

HEADER = "Dog Name,Sex,PLC,BOX,WGT,DIST,DATE,TRACK,G,TIME,WIN,BON,1 SEC,MGN,W/2G,PIR,SP"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_registry(tmp_path_factory.mktemp("registry"))


def predict(registry: str, card: Path, *arguments: str) -> Result:
    absent = f"sqlite:///{card.parent / 'absent.db'}"
    return CliRunner().invoke(
        main, ["predict", str(card), "--registry", registry, "--database", absent, *arguments]
    )


def written(folder: Path, card: Any) -> Path:
    path = folder / "card.json"
    path.write_text(card if isinstance(card, str) else json.dumps(card))
    return path


def form_guide(folder: Path, name: str, n_dogs: int = 10) -> Path:
    """A form guide of dogs with one run each."""
    rows = [
        f"{number}. Dog {'ABCDEFGHIJ'[number - 1]},D,{number % 8 + 1},{number % 8 + 1},31.0,515,"
        f"2026-03-07,SAN,5,29.{60 + number},29.60,29.40,5.1,{number}.0,Other Dog,11,$4.00"
        for number in range(1, n_dogs + 1)
    ]
    path = folder / name
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_json_holds_the_answer_of_the_service_and_nothing_else(registry: str, tmp_path: Path) -> None:
    result = predict(registry, written(tmp_path, make_card(6)), "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["model_version"] == 1
    assert sum(runner["win_probability"] for runner in answer["runners"]) == pytest.approx(1)
    assert [warning["code"] for warning in answer["warnings"]] == ["database_away"]


def test_the_table_has_a_line_a_runner_and_the_warnings(registry: str, tmp_path: Path) -> None:
    result = predict(registry, written(tmp_path, EXAMPLE_CARD), "--model", "1")
    assert result.exit_code == 0, result.stderr
    for message in (
        "model version 1",
        "Sir Tick",
        "market",
        "warning: no run on file: nothing is known of 'Quiet Harbour'",
    ):
        assert message in result.stdout


def test_explain_prints_a_line_a_runner_and_json_holds_what_the_service_answers(
    registry: str, tmp_path: Path
) -> None:
    card = written(tmp_path, make_card(6))
    result = predict(registry, card, "--explain", "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    with running_service(registry) as service:
        served = service.predict(make_card(6), params={"explain": "true"}).json()
    assert (answer["runners"], answer["base_strength"]) == (served["runners"], served["base_strength"])
    message = predict(registry, card, "--explain").stdout
    for runner in answer["runners"]:
        first, second = runner["explanation"]["contributions"]
        factors = (f"{one['topic']} x{one['multiplies_odds_by']:.2f}" for one in (first, second))
        assert f"{runner['box']} {runner['name']}: {', '.join(factors)}\n" in message
    assert "Why" not in predict(registry, card).stdout


def test_the_reserves_of_a_form_guide_have_no_share_unless_they_run(registry: str, tmp_path: Path) -> None:
    guide = form_guide(tmp_path, "Race 6 - SAN - 14 March 2026.csv")
    result = predict(registry, guide, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [runner["status"] for runner in answer["runners"]] == ["starter"] * 8 + ["reserve"] * 2
    assert sum(runner["win_probability"] for runner in answer["runners"][:8]) == pytest.approx(1)
    changed = predict(registry, guide, "--scratch", "6", "--scratch", "Dog A", "--reserve", "9=6", "--json")
    runners = {runner["rug"]: runner for runner in json.loads(changed.stdout)["runners"]}
    assert {rug for rug, one in runners.items() if one["status"] == "starter"} == {2, 3, 4, 5, 7, 8, 9}
    assert runners[9]["box"] == 6
    assert runners[10]["status"] == "reserve"
    table = predict(registry, guide, "--scratch", "6", "--reserve", "9=6").stdout
    for message in (
        "Sandown Park race 6, Sat 14 March 2026, 515 m",
        "scratched",
        "'Dog J' (10) is in reserve",
    ):
        assert message in table


def test_an_empty_box_of_a_form_guide_is_left_out_and_reported(registry: str, tmp_path: Path) -> None:
    guide = form_guide(tmp_path, "Race 6 - SAN - 14 March 2026.csv", 4)
    guide.write_text(guide.read_text().replace("Dog C", "VACANT"))
    result = predict(registry, guide)
    assert result.exit_code == 0, result.stderr
    assert "left out: line 4: an empty box is left out, got name 'VACANT'" in result.stdout
    assert "place: with 3 starters only the win pays" in result.stdout


def test_many_files_and_folders_are_answered_and_one_that_is_refused_stops_no_other(
    registry: str, tmp_path: Path
) -> None:
    folder = tmp_path / "cards"
    (folder / "later").mkdir(parents=True)
    form_guide(folder, "Race 1 - SAN - 14 March 2026.csv", 4)
    form_guide(folder / "later", "Race 2 - SAN - 14 March 2026.csv", 5)
    (folder / "broken.json").write_text('{"date": "0"}')
    (folder / "notes.txt").write_text("no card")
    more = written(tmp_path, make_card(6, track="Sale"))
    result = predict(registry, folder, str(more), "--json")
    assert result.exit_code == 3
    listed = json.loads(result.stdout)["cards"]
    assert [Path(one["file"]).name for one in listed] == [
        "Race 1 - SAN - 14 March 2026.csv", "broken.json", "Race 2 - SAN - 14 March 2026.csv", "card.json"
    ]  # fmt: skip
    assert [len(one.get("runners", ())) for one in listed] == [4, 0, 5, 6]
    assert "a date is written YYYY-MM-DD, got '0'" in listed[1]["refused"]
    assert result.stderr.count("\n") == 1
    assert "broken.json" in result.stderr
    (folder / "broken.json").unlink()
    tables = predict(registry, folder, str(more))
    assert tables.exit_code == 0
    assert tables.stdout.count("model version 1") == 3
    for title in ("Sandown Park race 1,", "Sandown Park race 2,", "Sale,"):
        assert title in tables.stdout


def test_what_a_file_name_does_not_tell_is_requested_and_can_be_given(registry: str, tmp_path: Path) -> None:
    guide = form_guide(tmp_path, "guide.csv", 4)
    refused = predict(registry, guide)
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "give it" in refused.stderr
    reported = ("--date", "2026-03-14", "--track", "Sandown Park", "--distance", "515")
    assert predict(registry, guide, *reported).exit_code == 0


@pytest.mark.parametrize(
    ("card", "arguments", "code", "message"),
    [
        (make_card(1), (), 3, "runners"),
        ("{", (), 3, "the file"),
        ("{" + " " * 2**20 + "}", (), 3, "a card has at most 1048576 bytes"),
        ("[" * 5000, (), 3, "recursion limit"),
        (make_card(runners=[{"name": "A", "box": 1}, {"name": "B", "box": 2}]), (), 4, "no database at"),
        (make_card(date="2099-01-01"), (), 3, "days ahead"),
        (make_card(), ("--model", "best"), 2, "got 'best'"),
        (make_card(), ("--model", "99"), 4, "no version 99"),
        (make_card(), ("--date", "2026-03-14"), 2, "has its date"),
        (make_card(date="0"), (), 3, "a date is written YYYY-MM-DD, got '0'"),
        (make_card(date="1989-01-01"), (), 3, "before 1990-01-01"),
        (make_card(track="Sa\0le"), (), 3, "got U+0000"),
        (make_card(), ("--scratch", "9"), 3, "no runner of the card is '9'"),
        (make_card(), ("--reserve", "9"), 2, "must be RUNNER=BOX"),
        (make_card(2), ("--scratch", "1"), 3, "a race needs 2 that start, got 1 of 2"),
        (make_card(), ("--registry", "sqlite:///absent/mlflow.db"), 4, "no registry"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(
    registry: str, tmp_path: Path, card: Any, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = predict(registry, written(tmp_path, card), *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_bets_are_those_of_the_service_in_json_and_a_table_each(registry: str, tmp_path: Path) -> None:
    card = written(tmp_path, make_card(6))
    result = predict(registry, card, "--bets", "exacta,first_four", "--top", "5", "--json")
    assert result.exit_code == 0, result.stderr
    bets = json.loads(result.stdout)["bets"]
    with running_service(registry) as service:
        params = {"bets": "exacta,first_four", "top": 5}
        assert bets == service.predict(make_card(6), params=params).json()["bets"]
    likeliest = bets[0]["combinations"][0]
    tables = predict(registry, card, "--bets", "all", "--top", "2").stdout
    assert "-".join(map(str, likeliest["rugs"])) in tables
    assert f"{likeliest['fair_price']:.2f}" in tables
    assert "First four: 2 of 360 combinations" in tables
    assert "bets" not in json.loads(predict(registry, card, "--json").stdout)


def test_a_bet_that_is_none_is_wrong_usage_and_a_small_field_a_warning(registry: str, tmp_path: Path) -> None:
    card = written(tmp_path, make_card(3))
    wrong = predict(registry, card, "--bets", "duet")
    assert wrong.exit_code == 2
    assert "a bet is all or one of exacta, quinella, trifecta, first_four, got 'duet'" in wrong.stderr
    small = predict(registry, card, "--bets", "first_four,exacta").stdout
    assert "warning: 3 starters are too few: first_four needs 4" in small
    assert "Exacta: 6 of 6 combinations" in small
