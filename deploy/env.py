"""Write .env with passwords of this installation, once: `make env`, before `docker compose up`."""

import base64
import os
import secrets
import sys
from pathlib import Path

TEXT = """\
# Read by docker compose. Made by `make env`, and never written again: databases keep their passwords.
POSTGRES_PASSWORD={postgres}
GREYHOUND_DATABASE_PASSWORD={greyhound}
MLFLOW_DATABASE_PASSWORD={mlflow}
# What MLflow signs webhooks with, and the key under which it stores that.
GREYHOUND_WEBHOOK_SECRET={webhook}
MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY={encryption}
# What else may stand here, with its default: docs/how-to/compose.md
"""


def write(path: Path) -> bool:
    """Write the file, readable by its owner only; return whether it was not there yet."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    passwords = {
        name: secrets.token_hex(24)  # letters and digits: they stand in URLs
        for name in ("postgres", "greyhound", "mlflow", "webhook")
    }
    encryption = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()  # a Fernet key
    with os.fdopen(file, "w", encoding="utf-8") as text:
        text.write(TEXT.format(**passwords, encryption=encryption))
    return True


if __name__ == "__main__":
    env = Path(sys.argv[1] if len(sys.argv) > 1 else ".env")
    print(f"{env} is made." if write(env) else f"{env} is there already; it stays as it is.")
