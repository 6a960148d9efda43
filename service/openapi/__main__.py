"""``python -m service.openapi FILE``: writes the OpenAPI document, as it is committed and released."""

import sys
from pathlib import Path

from service.app import create_app
from service.openapi.document import as_text
from service.settings import ServiceSettings

if __name__ == "__main__":
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "openapi/openapi.json")
    file.write_text(as_text(create_app(ServiceSettings()).openapi()), encoding="utf-8")
