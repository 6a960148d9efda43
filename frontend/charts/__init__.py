"""Geometry of the charts, in numbers; the templates draw them as SVG, coloured by the style sheet."""
