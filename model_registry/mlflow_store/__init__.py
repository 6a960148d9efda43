"""MLflow as the storage of versions: its connection, its records, and where files may lie."""
