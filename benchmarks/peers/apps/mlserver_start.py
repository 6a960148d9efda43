"""Start MLServer in one process: ``python -m benchmarks.peers.apps.mlserver_start PORT FOLDER``."""

import json
import sys
from pathlib import Path

from mlserver.cli import main


def start(port: int, folder: Path) -> None:
    """Write its settings, and run it."""
    ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    settings = {"parallel_workers": 0, "host": "127.0.0.1", "debug": False, **ports}
    (folder / "settings.json").write_text(json.dumps(settings))
    runtime = "benchmarks.peers.apps.mlserver_model.WinProbability"
    model = {"name": "greyhound", "implementation": runtime}
    (folder / "model-settings.json").write_text(json.dumps(model))
    sys.argv = ["mlserver", "start", str(folder)]
    main()


if __name__ == "__main__":
    start(int(sys.argv[1]), Path(sys.argv[2]))
