"""A form guide's CSV becomes a card, or a problem that names line and reason."""

from pathlib import Path

import httpx
import pytest

from tests.greyhound.test_predict_command import HEADER, form_guide
from tests.racing.importers.builders import FORM_HEADER, form_row
from tests.service.builders import RunningService

NAME = "Race 6 - SAN - 14 March 2026.csv"


def send(service: RunningService, text: str | bytes, kind: str = "text/csv", **facts: str) -> httpx.Response:
    headers = {"Content-Type": kind}
    return service.client.post("/cards", content=text, params={"name": NAME} | facts, headers=headers)


def test_a_form_guide_is_a_card_that_predict_takes_as_it_is(service: RunningService, tmp_path: Path) -> None:
    text = form_guide(tmp_path, NAME).read_bytes()
    answer = send(service, text).json()
    assert {name: answer["card"][name] for name in ("date", "track", "distance_m", "race_number")} == {
        "date": "2026-03-14", "track": "Sandown Park", "distance_m": 515, "race_number": 6
    }  # fmt: skip
    assert [runner["box"] for runner in answer["card"]["runners"]] == list(range(1, 11))
    assert {len(runner["form"]) for runner in answer["card"]["runners"]} == {1}
    assert (answer["n_rows"], answer["not_believed"]) == (10, [])
    assert "null" not in str(answer["card"])
    batch = service.client.post(
        "/predict/batch", content=text, params={"name": NAME}, headers={"Content-Type": "text/csv"}
    )
    assert service.predict(answer["card"]).json()["runners"] == batch.json()["runners"]


def test_what_is_given_beside_the_file_counts_before_its_name(
    service: RunningService, tmp_path: Path
) -> None:
    text = form_guide(tmp_path, NAME).read_bytes()
    answer = send(service, text, date="2026-03-15", track="BEN", distance_m="425").json()["card"]
    assert (answer["date"], answer["track"], answer["distance_m"]) == ("2026-03-15", "Bendigo", 425)


def test_rows_that_are_not_believed_are_listed_beside_the_card(service: RunningService) -> None:
    rows = [
        form_row("1. Sir Tick", weight="3.0"),
        form_row("", date="soon"),
        form_row("2. Nala"),
    ]
    answer = send(service, "\n".join([FORM_HEADER, *rows]), track="Ballarat").json()
    assert [len(runner["form"]) for runner in answer["card"]["runners"]] == [1, 1]
    assert [(one["line"], one["what"]) for one in answer["not_believed"]] == [(2, "fact"), (3, "row")]
    assert "got 'soon'" in answer["not_believed"][1]["reason"]


def test_a_file_without_a_good_row_is_refused_with_every_line_and_reason(service: RunningService) -> None:
    rows = [form_row("1. Sir Tick", date="soon"), form_row("Nala")]
    answer = send(service, "\n".join([FORM_HEADER, *rows]))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:greyhound:problem:file-refused")
    assert answer.json()["detail"] == "none of its 2 rows could be taken as a past run"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["line 2", "line 3"]
    assert "got 'soon'" in answer.json()["errors"][0]["rule"]
    assert "got 'Nala'" in answer.json()["errors"][1]["rule"]


@pytest.mark.parametrize(
    ("text", "facts", "detail"),
    [
        ("Dog Name|BOX|WGT\nAlpha|1|30", {}, "columns are parted by commas, here by bars"),
        ("Dog Name,BOX\nAlpha,1", {}, "a form guide needs columns that are missing here: Sex"),
        ("<html></html>", {}, "the file is HTML"),
        ("", {}, "the file is empty"),
        (f'{HEADER}\n1. Sir "Tick,"D\n', {}, "none of its 1 rows"),
        ("\n".join([FORM_HEADER, form_row("1. Tick")]), {"name": "a.csv"}, "does not tell the race's date"),
        ("\n".join([FORM_HEADER, form_row("1. Tick")]), {"track": "Sale"}, "no dog has run at Sale"),
    ],
)  # fmt: skip
def test_what_is_no_form_guide_is_refused_with_the_reason(
    service: RunningService, text: str, facts: dict[str, str], detail: str
) -> None:
    answer = send(service, text, **facts)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:greyhound:problem:file-refused")
    assert detail in answer.json()["detail"]


def test_a_guide_of_one_dog_breaks_a_rule_of_cards(service: RunningService) -> None:
    answer = send(service, "\n".join([FORM_HEADER, form_row("1. Tick")]), track="Ballarat")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:greyhound:problem:card-refused")
    assert answer.json()["errors"] == [{"pointer": "#/runners", "rule": "a card has 2 to 10 runners, got 1"}]


def test_a_body_that_does_not_say_that_it_is_csv_is_a_415(service: RunningService) -> None:
    answer = send(service, "[]", kind="application/json")
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:greyhound:problem:not-csv")
    assert "Content-Type: text/csv" in answer.json()["detail"]


def test_every_real_form_guide_is_a_card_or_says_why_not(service: RunningService, real_data: Path) -> None:
    guides = sorted((real_data / "form_guides").glob("*.csv"))[::40]
    answers = [send(service, guide.read_bytes(), name=guide.name) for guide in guides]
    assert {answer.status_code for answer in answers} <= {200, 422}
    assert sum(answer.status_code == 200 for answer in answers) > 0.9 * len(answers)
    for answer in answers:
        if answer.status_code == 200:
            assert service.predict(answer.json()["card"]).status_code == 200
    messy = sorted((real_data / "messy_files").glob("*.csv"))
    assert {send(service, file.read_bytes(), name=file.name).status_code for file in messy} <= {200, 422}
