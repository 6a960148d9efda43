"""Search of dogs and tracks, and a dog's page: its runs, ratings over time, boxes and tracks."""

import datetime as dt

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from frontend import api
from frontend.charts import ratings_over_time
from frontend.errors import status_code
from frontend.live import page
from greyhound_client import Problem

pages = Blueprint("dog", __name__)
N_FOUND, N_RUNS = 40, 30
MAX_QUERY = 60
"""Characters that the service takes."""


@pages.get("/search")
def search() -> AnyResponse:
    """Show the dogs and tracks that a query matches, or those that were probably meant."""
    query = " ".join(request.args.get("q", "").split())[:MAX_QUERY]
    if not query:
        return page("dog/search.html", query="", dogs=None, tracks=None, problem=None)
    greyhound = api.client()
    try:
        dogs, tracks = api.gather(
            [lambda: greyhound.dogs(query, limit=N_FOUND), lambda: greyhound.tracks(query)]
        )
    except Problem as problem:
        code = status_code(problem)
        return page("dog/search.html", code=code, query=query, dogs=None, tracks=None, problem=problem)
    if len(dogs.dogs) == 1 and not tracks.tracks:
        return redirect(url_for("dog.show", dog_id=dogs.dogs[0].id))
    return page("dog/search.html", query=query, dogs=dogs, tracks=tracks, problem=None)


@pages.get("/dog/<int(max=2147483647):dog_id>")
def show(dog_id: int) -> Response:
    """Show a dog."""
    before = _day(request.args.get("before", ""))
    dog = api.client().dog(dog_id, limit=N_RUNS, before=before)
    return page("dog/dog.html", dog=dog, before=before, ratings=ratings_over_time(dog.ratings))


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        return None
