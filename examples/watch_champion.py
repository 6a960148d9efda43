"""Print a line whenever another version becomes champion, by asyncio, until interrupted.

``GREYHOUND_URL=http://localhost:8000 python examples/watch_champion.py``
"""

import asyncio
import os
from contextlib import suppress

from greyhound_client import AsyncGreyhoundClient, GreyhoundError

EVERY_S = float(os.environ.get("EVERY_S", "2"))


async def main() -> None:
    """Poll which version serves."""
    url = os.environ.get("GREYHOUND_URL", "http://localhost:8000")
    shown = ""
    async with AsyncGreyhoundClient(url) as greyhound:
        while True:
            try:
                status = await greyhound.model_status()
            except GreyhoundError as error:  # stopped or starting anew: it is called again
                now = f"no answer: {error}"
            else:
                now = f"version {status.version} serves ({status.model_type}, {status.features} features)"
                if not status.success:
                    now = "no version serves yet"
            if now != shown:
                print(now, flush=True)
                shown = now
            await asyncio.sleep(EVERY_S)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
