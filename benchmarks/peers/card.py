"""The card of all requests: eight runners, each with six past runs and a price."""

from typing import Any


def card_with_form() -> dict[str, Any]:
    """Return it, as a request carries it."""
    return {
        "date": "2026-03-14",
        "track": "Sandown Park",
        "distance_m": 515,
        "grade": "Grade 5",
        "runners": [
            {
                "name": f"Dog {'ABCDEFGH'[box - 1]}",
                "box": box,
                "weight_kg": 31.0,
                "price": 4.5,
                "form": _form(box),
            }
            for box in range(1, 9)
        ],
    }


def _form(box: int) -> list[dict[str, Any]]:
    return [
        {
            "date": f"2026-02-{4 * n:02d}",
            "track": "Sandown Park",
            "distance_m": 515,
            "box": n,
            "grade": "Grade 5",
            "weight_kg": 31.2,
            "finish_position": 1 + (box + n) % 8,
            "time_s": 29.4 + 0.05 * ((box + n) % 8),
            "winner_time_s": 29.4,
            "first_split_s": 5.1,
            "margin_lengths": 2.5,
            "position_in_running": "332",
            "starting_price": 4.6,
        }
        for n in range(1, 7)
    ]
