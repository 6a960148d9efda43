"""Names that stand for an empty box or a missing value are no dogs."""

import pytest

from racing.domain.names import is_placeholder


@pytest.mark.parametrize(
    "name", ["VACANT", "vacant", "8. Vacant", "nan", "N/A", "n.a.", "None", "NULL", "No Reserve", "TBA"]
)
def test_an_empty_box_or_a_missing_value_is_a_placeholder(name: str) -> None:
    assert is_placeholder(name)


@pytest.mark.parametrize("name", ["Nan's Delight", "Vacant Lot", "Sir Tick", "Nullarbor", "Na Zdorovie"])
def test_a_dog_whose_name_only_begins_like_one_is_a_dog(name: str) -> None:
    assert not is_placeholder(name)
