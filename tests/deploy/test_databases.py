"""What Kubernetes gives as files makes the databases of PostgreSQL and opens them."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from deploy.kubernetes.secret import secret
from tests.compose.plan import ROOT
from tests.deploy.kustomize import containers, overlay
from tests.ports import free_port
from tests.postgresql import postgresql


def test_the_databases_have_the_passwords_of_the_secret_and_the_migration_makes_the_tables(
    tmp_path: Path,
) -> None:
    port = free_port()
    files = secret()["stringData"]
    assert isinstance(files, dict)
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("postgres:5432", f"127.0.0.1:{port}"))
    found = {m["metadata"]["name"]: containers(m) for m in overlay("one-node") if containers(m)}

    def settings(name: str) -> dict[str, str]:
        settings = {entry["name"]: entry["value"] for entry in found[name][-1].get("env", ())}
        here = {
            key: value.replace("/run/secrets/greyhound", str(tmp_path)) for key, value in settings.items()
        }
        return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | here

    auth = "-U postgres --auth-local=trust --auth-host=scram-sha-256"
    with postgresql(auth, "listen_addresses=127.0.0.1", f"port={port}") as folder:
        environment = settings("postgres") | {"PGHOST": folder, "PGPORT": str(port)}
        script = ["bash", "-e", str(ROOT / "deploy/postgres/databases.sh")]
        done = subprocess.run(script, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        environment = settings("migrate") | {"GREYHOUND_DATABASE_FILE": str(tmp_path / "database")}
        command = [
            sys.executable,
            "-c",
            "from greyhound.cli import main; main()",
            *found["migrate"][-1]["args"],
        ]
        done = subprocess.run(
            command, env=environment | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        with psycopg.connect((tmp_path / "database").read_text()) as races:
            assert races.execute("SELECT count(*) FROM race").fetchone() == (0,)
        with psycopg.connect((tmp_path / "mlflow-database").read_text().replace("+psycopg", "")) as records:
            assert records.execute("SELECT current_user").fetchone() == ("mlflow",)
