"""Clocks and zones that tests must not depend on."""
