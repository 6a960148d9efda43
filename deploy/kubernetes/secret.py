"""Print the Secret of a new installation, with passwords of its own.

    python3 deploy/kubernetes/secret.py | kubectl create -f -

Without options for overlays/one-node; with ``--database URL`` for a PostgreSQL that is there already.
``kubectl create`` refuses to write over one: the databases have the passwords that they were made with.
"""

import argparse
import json
import secrets


def secret(database: str | None = None) -> dict[str, object]:
    """Return the Secret as Kubernetes takes it; each entry is a file in the containers that need it."""
    entries = {"notify": "[]"}
    if database is not None:
        entries["database"] = database
    else:
        # letters and digits: they stand in URLs
        postgres, greyhound, mlflow = (secrets.token_hex(24) for _ in range(3))
        entries |= {
            "database": f"postgresql://greyhound:{greyhound}@postgres:5432/greyhound",
            "mlflow-database": f"postgresql+psycopg://mlflow:{mlflow}@postgres:5432/mlflow",
            "postgres-password": postgres,
            "greyhound-password": greyhound,
            "mlflow-password": mlflow,
        }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "greyhound", "namespace": "greyhound"},
        "type": "Opaque",
        "stringData": entries,
    }


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--database", metavar="URL", help="of a PostgreSQL outside: postgresql://USER:PASSWORD@HOST/NAME"
    )
    print(json.dumps(secret(parser.parse_args().database), indent=2))


if __name__ == "__main__":
    main()
