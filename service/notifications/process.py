"""A process that delivers what is due, and ends.

Apprise takes a second to import and brings a hundred modules, and a channel may hang in code that nothing can
stop: neither belongs into a process that answers cards. What it needs it reads from standard input, since its
arguments can be read by every user of the machine; what became of the messages it writes as JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict

from service.notifications.delivery import ROUND_S, Outcome

MAX_S = 2 * ROUND_S
_CODE = "from service.notifications.process import main; main()"


def deliver_aside(
    *,
    database: str,
    urls: Sequence[str],
    webhook_url: str | None,
    webhook_secret: str | None,
    kinds: Sequence[str],
) -> list[Outcome]:
    """Deliver what is due in a process of its own, within two minutes.

    Raises
    ------
    RuntimeError
        If that process fails; without its output, which may hold a secret.
    """
    given = {
        "database": database,
        "urls": [*urls],
        "webhook_url": webhook_url,
        "webhook_secret": webhook_secret,
        "kinds": [*kinds],
    }
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CODE],
            input=json.dumps(given) + "\n",
            capture_output=True,
            text=True,
            timeout=MAX_S,
            process_group=0,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"delivering notifications took longer than {MAX_S:.0f} s") from None
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise RuntimeError(f"delivering notifications failed: {last.partition(':')[0][:80]}")
    return [Outcome(**one) for one in json.loads(done.stdout)]


def main() -> None:
    """Deliver what is due, by what standard input says."""
    os.nice(10)
    given = json.loads(sys.stdin.readline())
    from racing.database.engine import open_database
    from service.notifications.channels import make_channels
    from service.notifications.delivery import deliver

    channels = make_channels(given["urls"], given["webhook_url"], given["webhook_secret"])
    outcomes = deliver(open_database(given["database"]), channels, given["kinds"])
    sys.__stdout__.write(json.dumps([asdict(one) for one in outcomes]))  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]
    os._exit(0)  # threads of channels that hang are left
