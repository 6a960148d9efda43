"""When a file stated what it says of races to come: the time of its import, where it has none of its own."""

import datetime as dt
from collections.abc import Sequence

from racing.domain.track_time import latest_day
from racing.importers.records.source_record import SourceRecord, day_of_key

CARD = "card:"
_TWO_DAYS = dt.timedelta(days=2)


def state_time(records: Sequence[SourceRecord], now: dt.datetime | None = None) -> None:
    """Set ``stated_at`` of the records of races to come that lack it.

    Those are the races of cards, and of other files those of yesterday and later in which no record tells how
    a dog ran: an older race without a result was abandoned, and the order of imports does not matter for it.
    """
    now = dt.datetime.now(dt.UTC) if now is None else now
    first = latest_day(now) - _TWO_DAYS
    at = now.astimezone(dt.UTC).replace(tzinfo=None)
    open_rows = [record for record in records if record.get("is_blank") or record["is_scratched"]]
    if not open_rows:
        return
    with_result = {
        record["race_key"] for record in records if not (record.get("is_blank") or record["is_scratched"])
    }
    for record in open_rows:
        key = record["race_key"]
        if record["stated_at"] is not None or key in with_result:
            continue
        if key.startswith(CARD) or day_of_key(record["bucket"]) >= first:
            record["stated_at"] = at
