"""Models: every version with its figures, who promoted what and why, and the way to promote and roll back.

Changes take an API key that the person types for each of them. It goes to the service with the request and
is stored nowhere: there is no session and no cookie, so a page of another site has nothing to misuse.
"""

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from frontend import api
from frontend.comparison import compare
from frontend.evidence import VersionEvidence
from frontend.experiment_views import pair_view
from frontend.filters import PRICES
from frontend.filters import contestant as name_of
from frontend.live import page
from frontend.promotion import (
    Confirmation,
    Proposal,
    apply_change,
    propose_promotion,
    propose_rollback,
    read_confirmation,
)
from greyhound.charts import script_policy
from greyhound_client import Problem, endpoints
from greyhound_client.errors import problem_of

pages = Blueprint("models", __name__, url_prefix="/models")

# As the service's own, but that our pages may lead to it.
REPORT_POLICY = "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


@pages.get("")
def show() -> Response:
    """Show every version, and the record of promotions."""
    return page(
        "models/models.html",
        now=api.status(),
        versions=api.from_registry(endpoints.models()),
        record=api.from_registry(endpoints.promotions(limit=100)),
        changed=request.args.get("changed", type=int),
    )


@pages.get("/compare")
def beside() -> Response:
    """Show any two contestants side by side, on the logged races that both rated."""
    a, b = (request.args.get(name, "").strip() for name in ("a", "b"))
    versions = api.from_registry(endpoints.models())
    context: dict[str, Any] = {
        "a": a,
        "b": b,
        "names": (name_of(a), name_of(b)),
        "versions": versions,
        "now": api.status(),
    }
    if not a or not b or a == b:
        return page("models/compare.html", **context)
    pair = pair_view(api.client().comparison(champion=a, contestant=b))
    before, after = _evidence_of(a), _evidence_of(b)
    return page(
        "models/compare.html",
        pair=pair,
        difference=compare(before, after) if before and after else None,
        **context,
    )


@pages.get("/<int:version>")
def version(version: int) -> Response:
    """Show one version with its evidence."""
    return page(
        "models/version.html",
        now=api.status(),
        entry=api.from_registry(endpoints.model(version)),
        evidence=api.evidence(version),
    )


@pages.get("/<int:version>/report")
def report(version: int) -> Response:
    """Pass the report of a training on, as a page that may do nothing but draw its charts."""
    response = api.client().raw(endpoints.report(version))
    if not response.is_success:
        raise problem_of(response)
    kind = response.headers.get("Content-Type")
    headers = {
        "Content-Security-Policy": f"{script_policy()}; {REPORT_POLICY}",
        "Cross-Origin-Opener-Policy": "unsafe-none",  # it and a sandbox exclude one another
    }
    return Response(response.content, content_type=kind, headers=headers)


@pages.route("/<int:version>/promote", methods=["GET", "POST"])
def promote(version: int) -> ResponseReturnValue:
    """Show what a promotion would change, and make it once it is confirmed."""
    return _confirmed(propose_promotion(version))


@pages.route("/rollback", methods=["GET", "POST"])
def rollback() -> ResponseReturnValue:
    """Show what a rollback would change, and make it once it is confirmed."""
    return _confirmed(propose_rollback())


def _confirmed(proposal: Proposal) -> ResponseReturnValue:
    if request.method == "GET":
        return page("models/confirm.html", proposal=proposal, confirmation=Confirmation(), now=api.status())
    confirmation = read_confirmation(request.form)
    outcome = apply_change(proposal, confirmation)
    if outcome.made is not None:
        return redirect(url_for("models.show", changed=outcome.made.number), 303)
    return page(
        "models/confirm.html",
        code=outcome.code,
        proposal=proposal,
        confirmation=confirmation,
        now=api.status(),
        error=outcome.error,
    )


def _evidence_of(contestant: str) -> VersionEvidence | None:
    """Return what training found of a contestant; None of prices and of versions that are not there."""
    if contestant.startswith(PRICES) or not (contestant.isascii() and contestant.isdigit()):
        return None
    try:
        return api.evidence(int(contestant))
    except Problem as problem:
        if problem.status not in (404, 503):
            raise
        return None
