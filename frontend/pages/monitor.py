"""Monitor: what serves, is it well, what to look at; and the status as JSON, for pages that exist already."""

from flask import Blueprint, Response, make_response

from frontend import api
from frontend.charts import gap_over_time, input_shifts, reliability
from frontend.live import page
from greyhound_client import Unreachable, endpoints

pages = Blueprint("monitor", __name__)
N_CHANGES = 6


@pages.get("/")
def show() -> Response:
    """Show whether the champion is well, and why."""
    monitor = api.from_database(endpoints.monitor())
    report = monitor.answer
    return page(
        "monitor/monitor.html",
        now=api.status(),
        monitor=monitor,
        gap=gap_over_time(report.gap_path) if report else None,
        plot=reliability(report.calibration_bins) if report else None,
        inputs=input_shifts(report.inputs.model_dump(mode="json")) if report and report.inputs else None,
        record=api.from_registry(endpoints.promotions(limit=N_CHANGES)),
    )


@pages.get("/status/health")
def health() -> Response:
    """Show the health of the service, apart from the rest, since it changes at every refresh."""
    return page("monitor/health.html", now=api.status())


@pages.get("/api/model_status")
def model_status() -> Response:
    """Pass on the status of the service unchanged: its JSON and its status code."""
    try:
        response = api.client().raw(endpoints.model_status())
    except Unreachable as error:
        return _unreachable(str(error))
    code = response.status_code if response.status_code < 500 or response.status_code == 503 else 502
    return Response(response.content, code, content_type=response.headers.get("Content-Type"))


def _unreachable(why: str) -> Response:
    """Answer as the service would if it could: pages read ``success`` first."""
    return make_response({"success": False, "error": why}, 503)
