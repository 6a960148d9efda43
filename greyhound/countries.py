"""The countries that ``--countries`` takes, by commands that have races (the front end's image has none)."""

from greyhound.options import Names
from racing.domain.regions import COUNTRY_NAMES

COUNTRIES = Names("country", COUNTRY_NAMES)
