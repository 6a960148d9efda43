"""What a simulated season takes place in: its tracks and the names of its dogs, all made up."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

TRACK_SPEED_M_S = 16.9  # about 500 m in 29.6 s


@dataclass(frozen=True, slots=True)
class SimulatedTrack:
    """A made-up track: its distances, and how much an inside box helps there (in units of strength)."""

    name: str
    state: str
    distances_m: tuple[int, ...]
    inside_bias: float
    times_splits: bool = True


TRACKS = (
    SimulatedTrack("Sim Park", "SIM-N", (300, 400, 520), 0.35),
    SimulatedTrack("Sim Meadows", "SIM-N", (320, 450, 600), 0.15),
    SimulatedTrack("Sim Straight", "SIM-N", (300, 350), -0.10, times_splits=False),
    SimulatedTrack("Sim Valley", "SIM-E", (331, 407, 515), 0.30),
    SimulatedTrack("Sim Harbour", "SIM-E", (280, 460, 660), 0.45),
    SimulatedTrack("Sim Junction", "SIM-E", (340, 440), 0.20),
    SimulatedTrack("Sim Heights", "SIM-S", (342, 390, 530), 0.25),
    SimulatedTrack("Sim Lakes", "SIM-S", (311, 425, 715), 0.40, times_splits=False),
    SimulatedTrack("Sim Plains", "SIM-S", (295, 400, 595), 0.05),
    SimulatedTrack("Sim Ridge", "SIM-W", (330, 410, 509), 0.30),
    SimulatedTrack("Sim Bay", "SIM-W", (275, 380, 490), 0.20),
    SimulatedTrack("Sim Crossing", "SIM-W", (297, 455, 642), 0.35),
)
STATES = tuple(sorted({track.state for track in TRACKS}))
N_BOXES = 8

_FIRST = """
Amber Arctic Autumn Brave Bright Bronze Calm Cobalt Copper Coral Crimson Crystal Daring Desert Distant
Dusty Eager Early Ember Emerald Fancy Fearless Flying Frosty Gentle Ginger Golden Grand Happy Hidden
Indigo Ivory Jolly Keen Lively Lucky Lunar Magic Marble Mellow Midnight Mighty Misty Noble Northern Opal
Patient Pearl Proud Quick Quiet Rapid River Royal Ruby Rustic Sandy Scarlet Secret Shining Silent Silver
Solar Spring Steady Stormy Summer Sunny Swift Tawny Thunder Tidal Tiny Topaz Urban Velvet Violet Western
Wild Winter Witty Zesty
"""
_SECOND = """
Anchor Arrow Banner Beacon Bolt Breeze Bullet Canyon Captain Chaser Comet Compass Cruiser Dancer Dart
Dasher Diver Dream Drifter Echo Express Falcon Feather Flame Flash Fortune Galaxy Glider Harmony Hunter
Jet Journey Jumper Kestrel Lantern Legend Marvel Melody Meteor Mirage Monarch Motion Nomad Orbit Outlaw
Pepper Phantom Pilot Pioneer Quest Racer Ranger Rebel Ripple Rocket Runner Sailor Scout Shadow Signal
Spark Sparrow Spirit Sprint Star Stride Tango Tempo Thistle Traveller Trooper Turbo Voyager Whisper
Wonder
"""


def dog_names(rng: np.random.Generator) -> Iterator[str]:
    """Yield names without end, no two alike; each begins with ``Sim``."""
    pairs = [f"Sim {first} {second}" for first in _FIRST.split() for second in _SECOND.split()]
    order = rng.permutation(len(pairs))
    for lap in count():
        for i in order:
            yield pairs[i] if not lap else f"{pairs[i]} {lap + 1}"
