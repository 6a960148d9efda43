"""Make the client's ``models.py`` from the OpenAPI document: ``python -m tests.openapi.client_models``."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "openapi" / "openapi.json"
MODELS = ROOT / "client" / "greyhound_client" / "models.py"
HEADER = '''"""What goes over the wire, typed; made from openapi/openapi.json by ``make openapi``."""'''
OPTIONS = {
    "input-file-type": "openapi",
    "output-model-type": "pydantic_v2.BaseModel",
    "target-python-version": "3.11",
    "custom-file-header": HEADER,
    "enum-field-as-literal": "all",
    "field-type-collision-strategy": "rename-type",
    "formatters": ("ruff-check", "ruff-format"),
}
FLAGS = (
    "collapse-root-models",
    "disable-timestamp",
    "use-annotated",
    "use-exact-imports",
    "use-field-description",
    "use-schema-description",
    "use-single-line-docstring",
    "use-standard-collections",
    "use-union-operator",
)


def make_models(document: dict[str, Any], *, check: bool = False) -> None:
    """Write the models of a document, or check that they are the ones that are there."""
    schemas = {name: _plain(schema) for name, schema in document["components"]["schemas"].items()}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "openapi.json"
        plain = {**document, "components": {**document["components"], "schemas": schemas}}
        source.write_text(json.dumps(plain), encoding="utf-8")
        command = [sys.executable, "-m", "datamodel_code_generator", "--input", source, "--output", MODELS]
        for name, value in OPTIONS.items():
            command += [f"--{name}", *([value] if isinstance(value, str) else value)]
        command += [f"--{flag}" for flag in FLAGS] + ["--check"] * check
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(f"{made.stdout}{made.stderr}\n`make openapi` writes {MODELS.name} anew")


def _plain(schema: Any) -> Any:
    """Return a schema without examples and titles, and with ``X or null`` as one type.

    The generator would make a class of a constrained type that may be null, and would say each field twice.
    """
    if isinstance(schema, list):
        return [_plain(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    names_a_field = {key for key in ("title", "examples") if isinstance(schema.get(key), dict)}
    plain = {
        key: _plain(value)
        for key, value in schema.items()
        if key not in ("title", "examples") or key in names_a_field
    }
    match plain.get("anyOf"):
        case [{"type": str(kind)} as one, {"type": "null"}]:
            del plain["anyOf"]
            plain |= {**one, "type": [kind, "null"]}
    return plain


if __name__ == "__main__":
    make_models(json.loads(DOCUMENT.read_text(encoding="utf-8")))
