"""The newest schema by the migrations' names is Alembic's; a database that has it opens without Alembic."""

import subprocess
import sys
from pathlib import Path

from alembic.script import ScriptDirectory

from racing.database.engine import upgrade
from racing.database.migrating import alembic_config, is_known
from racing.database.schema_version import newest_schema

OPENS = """
import sys
from racing.database.engine import open_database
open_database(sys.argv[1]).dispose()
print("alembic" in sys.modules)
"""


def test_the_newest_schema_is_alembics_head() -> None:
    assert newest_schema() == ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert is_known(newest_schema())
    assert not is_known("9999")


def test_a_database_at_the_newest_schema_is_opened_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'races.db'}"
    upgrade(url)
    done = subprocess.run([sys.executable, "-c", OPENS, url], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
