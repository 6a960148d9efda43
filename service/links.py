"""OpenAPI links: which version an answer names, and what may be asked of it next."""

from typing import Any

# Where an answer names a version.
_NAMED = {
    ("/predict", "post"): "$response.body#/model_version",
    ("/model_status", "get"): "$response.body#/version",
    ("/models", "get"): "$response.body#/models/0/version",
    ("/models/{version}/promote", "post"): "$response.body#/version",
    ("/rollback", "post"): "$response.body#/version",
}
_ASKED = {
    "show": ("/models/{version}", "get", "What is on record of this version."),
    "evidence": ("/models/{version}/evidence", "get", "What it was trained on and how good it is."),
    "promote": ("/models/{version}/promote", "post", "Make this version the champion."),
}


def link_versions(paths: dict[str, Any]) -> None:
    """Write links into the description of the answers that name a version."""
    for (path, method), where in _NAMED.items():
        paths[path][method]["responses"]["200"]["links"] = {
            name: {
                "operationId": paths[asked][asked_method]["operationId"],
                "parameters": {"version": where},
                "description": words,
            }
            for name, (asked, asked_method, words) in _ASKED.items()
        }
