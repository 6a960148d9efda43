"""Models: every version with its figures, who promoted what and why, and the way to promote and roll back.

Changes take an API key that the person types for each of them. It goes to the service with the request and
is kept nowhere: there is no session and no cookie, so a page of another site has nothing to misuse.
"""

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from frontend.api import ask, status
from frontend.promotion import Asked, Wanted, asked_for, change, wanted_promotion, wanted_rollback
from frontend.live import page
from frontend.registry import evidence, known
from greyhound_client import endpoints
from greyhound_client.errors import problem_of

pages = Blueprint("models", __name__, url_prefix="/models")

# As the service's own, but that our pages may lead to it. COOP and a sandbox exclude one another.
REPORT_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'",
    "Cross-Origin-Opener-Policy": "unsafe-none",
}


@pages.get("")
def show() -> Response:
    """Show every version, and the record of promotions."""
    return page(
        "models/models.html",
        now=status(),
        versions=known(endpoints.models()),
        record=known(endpoints.promotions(limit=100)),
        changed=request.args.get("changed", type=int),
    )


@pages.get("/<int:version>")
def version(version: int) -> Response:
    """Show all that is known of one version."""
    return page(
        "models/version.html", now=status(), entry=known(endpoints.model(version)), evidence=evidence(version)
    )


@pages.get("/<int:version>/report")
def report(version: int) -> Response:
    """Pass the report of a training on, as a page that may do nothing but be read."""
    said = ask().raw(endpoints.report(version))
    if not said.is_success:
        raise problem_of(said)
    return Response(said.content, content_type=said.headers.get("Content-Type"), headers=REPORT_HEADERS)


@pages.route("/<int:version>/promote", methods=["GET", "POST"])
def promote(version: int) -> ResponseReturnValue:
    """Say what a promotion would change, and make it once it is confirmed."""
    return _confirmed(wanted_promotion(version))


@pages.route("/rollback", methods=["GET", "POST"])
def rollback() -> ResponseReturnValue:
    """Say what a rollback would change, and make it once it is confirmed."""
    return _confirmed(wanted_rollback())


def _confirmed(wanted: Wanted) -> ResponseReturnValue:
    if request.method == "GET":
        return page("models/confirm.html", wanted=wanted, asked=Asked(), now=status())
    asked = asked_for(request.form)
    outcome = change(wanted, asked)
    if outcome.record is not None:
        return redirect(url_for("models.show", changed=outcome.record.number), 303)
    return page(
        "models/confirm.html",
        code=outcome.code,
        wanted=wanted,
        asked=asked,
        now=status(),
        trouble=outcome.trouble,
    )
