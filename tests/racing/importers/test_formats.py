"""Every file is of one format or of none; which one does not depend on their order."""

import json
from pathlib import Path

import pytest

from racing.domain.errors import FileRefused
from racing.importers.files.archives import expand
from racing.importers.files.contents import Content
from racing.importers.files.input_file import InputFile
from racing.importers.formats.all_formats import FORMATS, format_named, format_of
from tests.racing.importers.builders import BETFAIR_HEADER, FORM_HEADER, RESULTS_HEADER
from tests.racing.importers.test_betfair_official import HEADER as OFFICIAL_HEADER
from tests.racing.importers.test_betfair_sp import HEADER as SP_HEADER

N_A_FOLDER = 40  # of a folder with thousands of files of one kind, some are enough
# What each folder of the real data is, as far as it is known here; other formats come with their own.
OF_FOLDERS = {
    "betfair": {"betfair-model"},
    "betfair_official": {"betfair-official"},
    "betfair_sp": {"betfair-sp"},
    "form_guides": {"form-guide"},
}


def input_file(text: str, name: str = "file.csv") -> InputFile:
    return InputFile(name, Content.of(text.encode()))


def claimed_by(file: InputFile) -> list[str]:
    return [one.name for one in FORMATS if one.is_it(file)]


def test_names_of_formats_are_distinct_and_found_and_a_wrong_one_is_met_with_the_nearest() -> None:
    names = [one.name for one in FORMATS]
    assert len(set(names)) == len({one.title for one in FORMATS}) == len(names)
    assert [format_named(name) for name in names] == list(FORMATS)
    with pytest.raises(FileRefused, match="did you mean 'betfair-official'"):
        format_named("betfair-oficial")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (FORM_HEADER, "form-guide"),
        (BETFAIR_HEADER, "betfair-model"),
        (RESULTS_HEADER, "results"),
        (OFFICIAL_HEADER, "betfair-official"),
        (SP_HEADER, "betfair-sp"),
    ],
)
def test_a_header_is_of_one_format_in_any_case(header: str, name: str) -> None:
    for text in (header, header.lower(), header.upper()):
        assert claimed_by(input_file(f"{text}\n{',' * header.count(',')}\n")) == [name]


def test_every_real_file_is_of_one_format_at_most(real_data: Path) -> None:
    for folder in sorted(path for path in real_data.iterdir() if path.is_dir()):
        sources = expand([folder])
        for source in sources[:: max(1, len(sources) // N_A_FOLDER)]:
            try:
                file = InputFile(source.name, source.content())
            except FileRefused:
                continue
            claims = claimed_by(file)
            assert len(claims) <= 1, source.name
            if folder.name in OF_FOLDERS:
                assert set(claims) == OF_FOLDERS[folder.name], source.name


def test_a_file_of_no_format_is_refused_with_what_the_nearest_one_lacks() -> None:
    without_boxes = RESULTS_HEADER.replace("runner,", "hound,")
    with pytest.raises(FileRefused, match=r"looks like results in our columns, but .* missing here: runner"):
        format_of(input_file(f"{without_boxes}\n1,2\n"))
    with pytest.raises(FileRefused, match="of no format that is known: its columns are a, b; --columns"):
        format_of(input_file("a,b\n1,2\n"))
    with pytest.raises(FileRefused, match="JSON"):
        format_of(input_file(json.dumps({"a": 1})))


def test_no_format_reads_all_of_a_large_json_file_to_say_that_it_is_none_of_it() -> None:
    read: list[int] = []
    whole = Content.of(b'{"op":"none"}\n' + b" " * 100)

    def opened() -> object:
        read.append(1)
        return whole.open()

    file = InputFile("x.json", Content(opened, whole.sha256, whole.head))  # type: ignore[arg-type]
    for one in FORMATS:
        if one.name.startswith("betfair") or one.name in ("results", "form-guide"):
            one.is_it(file)
    assert not file.is_csv
    assert len(read) <= 1  # the reader of streams may look for its first message
