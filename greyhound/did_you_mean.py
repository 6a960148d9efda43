"""What a command says of a track that it does not know: which one was probably meant."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from greyhound.output.printing import say, shown

if TYPE_CHECKING:
    from service.prediction.card_prediction import CardPrediction


def did_you_mean(names: tuple[str, ...]) -> str:
    """Return the question, with a space before it; nothing without names."""
    return f" (did you mean {' or '.join(repr(name) for name in names[:3])}?)" if names else ""


def hint_at_track(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the value of ``--track``; of one that is near a known track, say so on standard error."""
    from racing.dogs.tracks import near_tracks
    from racing.domain.tracks import known_track

    if value and known_track(value) is None and (names := near_tracks(value)):
        say(f"greyhound: no track {shown(repr(value))} is known{did_you_mean(names)}", err=True)
    return value


def with_track_hint(prediction: "CardPrediction") -> "CardPrediction":
    """Return a prediction whose warning of an unknown track names the one that was probably meant."""
    from racing.dogs.tracks import near_tracks

    return replace(
        prediction,
        warnings=tuple(
            replace(one, text=one.text + did_you_mean(near_tracks(prediction.card.track)))
            if one.code == "unknown_track"
            else one
            for one in prediction.warnings
        ),
    )
