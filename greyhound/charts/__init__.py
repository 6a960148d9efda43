"""Every chart of the product, drawn one way: Vega-Lite specifications, shown by Vega's own JavaScript.

- :mod:`greyhound.charts.design` describes the charts with Altair and writes them to ``specs/``. It runs on a
  developer's machine only (``make charts``); a test compares its output with the committed files.
- :func:`chart` fills such a file with values. The training report, the front end's pages and the pictures of
  the documentation call it; it needs the standard library alone.
- ``static/`` holds what a page loads: ``vega.js`` (Vega, Vega-Lite and Vega-Embed in one file), ``charts.js``
  (draws each ``.chart`` of a page) and ``charts.css``. Colours are CSS variables (``--model``, ``--market``,
  ...), so that a chart follows light, dark and print without being drawn again.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

Spec = dict[str, Any]
"""A Vega-Lite specification, as it goes into JSON."""
Rows = Sequence[Mapping[str, Any]]
"""Values of a chart: one mapping a mark."""

SCRIPTS = ("vega.js", "charts.js")


def chart(name: str, *, height: float | None = None, **datasets: Rows) -> Spec:
    """Return the specification of ``specs/NAME.json`` with values.

    Parameters
    ----------
    name : str
        Name of a chart of :mod:`greyhound.charts.design`.
    height : float, optional
        Height in pixels, where it differs from the designed one; the width is that of the page's element.
    **datasets
        The named data sets that the chart refers to; the design says which, with their fields. A layer
        without values is left out.
    """
    spec: Spec = json.loads(_template(name)) | {"datasets": datasets}
    filled = [layer for layer in spec["layer"] if datasets.get(_data_of(layer, spec))]
    return spec | {"layer": filled} | ({} if height is None else {"height": height})


def asset(name: str) -> str:
    """Return the text of a file in ``static/``, for a page that carries its scripts within itself."""
    return files(__name__).joinpath("static", name).read_text(encoding="utf-8")


@cache
def script_policy() -> str:
    """Return the Content-Security-Policy of a page whose only scripts are ours, inline.

    A browser runs an inline script only if its hash is named: a script that someone else wrote into the page
    does not run. ``sandbox`` gives the page an origin of its own, which can read nothing of the server.
    """
    hashes = (hashlib.sha256(asset(name).encode()).digest() for name in SCRIPTS)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes)
    return f"sandbox allow-scripts; default-src 'none'; script-src {allowed}"


def _data_of(layer: Spec, spec: Spec) -> str:
    """Return the name of a layer's data set; what all layers share stands above them."""
    data: Spec = layer.get("data") or spec["data"]
    return str(data["name"])


@cache
def _template(name: str) -> str:
    return files(__name__).joinpath("specs", f"{name}.json").read_text(encoding="utf-8")
