"""Events as a client reads them, line by line."""

import pytest

from greyhound_client.events import EventReader


@pytest.mark.parametrize("number", ["²", "-1", "", "9" * 5000])
def test_an_id_that_is_no_number_leaves_the_position_as_it_was(number: str) -> None:
    reader = EventReader("http://localhost:8000", None, 41, None)
    for line in (f"id: {number}", ": still here", ""):
        assert reader.read(line) is None
    assert reader.position == 41
    for line in ("id: 42", ": still here", ""):
        assert reader.read(line) is None
    assert reader.position == 42
