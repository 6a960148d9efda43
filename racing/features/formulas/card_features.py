"""What the card itself says: the start, the course, the class, the size of the field."""

import numpy as np

from racing.domain.classes import UNKNOWN_CLASS
from racing.domain.runs import Floats
from racing.features.catalog import feature
from racing.features.view import RaceView
from racing.ops import number, value_at


@feature("card", is_categorical=True)
def box(view: RaceView) -> Floats:
    """Box, 1 inside to 8 outside; unknown for a reserve that has not been given one."""
    return view.card.box


@feature("card", is_categorical=True)
def box_zone(view: RaceView) -> Floats:
    """Part of the start line: 1 boxes 1-2, 2 boxes 3-5, 3 boxes 6-8, 0 unknown."""
    return view.card.zone


@feature("card")
def weight_kg(view: RaceView) -> Floats:
    """Weight on the card, in kg."""
    return view.card.weight_kg


@feature("card")
def distance_m(view: RaceView) -> Floats:
    """Distance of the race, in metres."""
    return view.card.distance_m


@feature("card", is_categorical=True)
def track(view: RaceView) -> Floats:
    """Track, by its fixed number among those known; 0 for any other."""
    return view.track_code


@feature("card", is_categorical=True)
def grade_class(view: RaceView) -> Floats:
    """Class of the race, 1 (maidens) to 15 (group races); in Britain and Ireland 16 (A10) to 28 (OR1)."""
    return np.where(view.card.grade == UNKNOWN_CLASS, np.nan, view.card.grade)


@feature("card")
def field_size(view: RaceView) -> Floats:
    """Runners in the race."""
    return view.card.n_runners


@feature("card")
def empty_boxes_beside(view: RaceView) -> Floats:
    """Free places next to the box: room on the way to the first turn."""
    box = view.card.box
    inside = np.isnan(value_at(box, box - 1, box, view.race)) & (box > 1)
    outside = np.isnan(value_at(box, box + 1, box, view.race)) & (box < 8)
    return np.where(np.isnan(box), np.nan, number(inside) + number(outside))
