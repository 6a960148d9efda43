"""The line that asks the service for the same in a shell."""

import json
from shlex import quote
from typing import Any


def curl_line(address: str, card: dict[str, Any], *, with_key: bool = False) -> str:
    """Return a command for any POSIX shell; a key is taken from the environment, never written out."""
    parts = [f"curl -s {quote(address)}", "-H 'Content-Type: application/json'"]
    if with_key:
        parts.append('-H "X-API-Key: $GREYHOUND_API_KEY"')
    return " \\\n  ".join([*parts, f"--data-raw {quote(card_text(card))}"])


def card_text(card: dict[str, Any]) -> str:
    """Return a card as JSON that can be read: a line a runner."""
    head = json.dumps({name: value for name, value in card.items() if name != "runners"}, ensure_ascii=False)
    runners = ",\n    ".join(json.dumps(runner, ensure_ascii=False) for runner in card["runners"])
    return f'{head[:-1]},\n  "runners": [\n    {runners}\n  ]}}'
