"""A backup that is not what it was is refused, and nothing that is there is lost unasked."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from greyhound.backup.errors import BackupBroken, BackupRefused
from greyhound.backup.make import Addresses, make_backup
from greyhound.backup.manifest import verify_files
from greyhound.backup.restore import restore_backup
from greyhound.cli import main
from greyhound.output.progress import progress
from model_registry import get_model_registry
from racing.database.engine import make_tables, open_database
from service.prediction_log.spool import Spool, folder_for, read_segment, take_over
from tests.service.builders import make_model, make_registry
from tests.service.living import wait_until
from tests.service.prediction_log.test_spool import make_records


def place_in(folder: Path) -> Addresses:
    return Addresses(
        database=f"sqlite:///{folder}/races.db",
        registry=f"sqlite:///{folder}/mlflow.db",
        spool=folder / "spool",
    )


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with two versions, the first of which serves."""
    folder = tmp_path_factory.mktemp("old")
    make_registry(folder, exponents=(1.0, 2.0))
    open_database(place_in(folder).database, create=True).dispose()
    return folder


@pytest.fixture(scope="module")
def made(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    folder = tmp_path_factory.mktemp("backups") / "made"
    make_backup(folder, place_in(old), progress)
    return folder


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A backup that may be damaged."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_a_changed_missing_or_added_file_is_named(copy: Path, tmp_path: Path) -> None:
    graph = next(copy.glob("artifacts/**/*.onnx"))
    name, content = graph.relative_to(copy).as_posix(), graph.read_bytes()
    graph.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BackupBroken, match=f"{name} differs"):
        restore_backup(copy, place_in(tmp_path / "new"), progress)
    assert not (tmp_path / "new").exists()
    graph.unlink()
    with pytest.raises(BackupBroken, match=f"{name} is missing"):
        verify_files(copy)
    graph.write_bytes(content)
    (copy / "artifacts" / "more").write_text("x")
    with pytest.raises(BackupBroken, match="artifacts/more is not in the manifest"):
        verify_files(copy)
    shutil.rmtree(copy / "artifacts")
    (copy / "manifest.json").unlink()
    with pytest.raises(BackupBroken, match="is no backup"):
        verify_files(copy)


def test_what_is_there_is_replaced_by_force_only(made: Path, tmp_path: Path) -> None:
    new = place_in(tmp_path / "new")
    restore_backup(made, new, progress)
    get_model_registry(new.registry).promote(2, reason="later", by="test")
    with pytest.raises(BackupRefused, match=r"there already: .*races\.db, .*mlflow\.db, .*artifacts"):
        restore_backup(made, new, progress)
    held = sqlite3.connect(tmp_path / "new" / "races.db")
    held.execute("SELECT count(*) FROM race").fetchone()
    held.execute("BEGIN")
    held.execute("SELECT count(*) FROM race").fetchone()
    with pytest.raises(BackupRefused, match="is in use"):
        restore_backup(made, new, progress, force=True)
    held.close()
    assert get_model_registry(new.registry).champion().version == 2  # all of it is as it was
    restore_backup(made, new, progress, force=True)
    assert get_model_registry(new.registry).champion().version == 1
    left = sorted(path.name for path in (tmp_path / "new").iterdir() if not path.name.startswith("races.db-"))
    assert left == ["artifacts", "mlflow.db", "races.db"]


def test_a_version_that_is_registered_while_files_are_copied_is_wholly_out(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from greyhound.backup import make
    from greyhound.backup.artifacts import copy_artifacts

    mine = Path(shutil.copytree(old, tmp_path / "mine"))
    make_model(tmp_path / "late", exponent=5.0)

    def register_first(*given: object) -> None:
        late = get_model_registry(place_in(mine).registry).register(tmp_path / "late")
        assert late.version == 3
        copy_artifacts(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(make, "copy_artifacts", register_first)
    manifest, _ = make_backup(tmp_path / "made", place_in(mine), progress)
    assert manifest.versions == [1, 2]
    assert manifest.warnings == []
    assert len(list((tmp_path / "made").glob("artifacts/**/artifacts/model"))) == 2
    restore_backup(tmp_path / "made", place_in(tmp_path / "new"), progress)
    registry = get_model_registry(place_in(tmp_path / "new").registry)
    assert [version.version for version in registry.versions()] in ([1, 2], [2, 1])
    assert registry.register(tmp_path / "late").version == 3


def test_answers_that_wait_on_disk_come_back_for_a_service_to_take_over(old: Path, tmp_path: Path) -> None:
    here, there = place_in(old), place_in(tmp_path / "new")
    spool = Spool(folder_for(here.database, here.spool), "w" * 32)
    records = make_records(1, 3)
    spool.append(records)
    make_backup(tmp_path / "made", here, progress)
    spool.leave()
    shutil.rmtree(here.spool)
    restore_backup(tmp_path / "made", there, progress)
    (found,) = take_over(folder_for(there.database, there.spool))
    assert found.writer == "w" * 32
    assert [one for segment in found.segments() for one in read_segment(segment)] == records
    found.leave()


def test_a_backup_of_an_earlier_release_is_made_as_it_is_and_upgraded_when_it_is_restored(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier, later = f"sqlite:///{tmp_path}/earlier.db", f"sqlite:///{tmp_path}/later/races.db"
    make_tables(earlier, "0012")
    registry = ["--registry", place_in(old).registry]
    folder = str(tmp_path / "made")
    assert main(["backup", folder, "--database", earlier, *registry, "--json"], standalone_mode=False) is None
    made = json.loads(capsys.readouterr().out)
    assert made["versions"] == [1, 2]
    assert made["champion"] == 1
    with sqlite3.connect(tmp_path / "earlier.db") as connection:  # the old program may go on with it
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0012",)
    connection.close()
    main(["backup", folder, "--verify"], standalone_mode=False)
    assert made["digest"] in capsys.readouterr().out
    elsewhere = ["--registry", f"sqlite:///{tmp_path}/later/mlflow.db"]
    main(["restore", folder, "--database", later, *elsewhere], standalone_mode=False)
    with sqlite3.connect(tmp_path / "later" / "races.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() > ("0012",)
    connection.close()


def test_a_tracking_server_is_refused_with_what_to_give_instead(old: Path, tmp_path: Path) -> None:
    place = Addresses(database=place_in(old).database, registry="http://127.0.0.1:1", spool=old / "spool")
    with pytest.raises(BackupRefused, match="--registry must be the address of its database"):
        make_backup(tmp_path / "made", place, progress)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_backup_that_is_interrupted_leaves_nothing_that_looks_like_one(
    old: Path, tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "made"
    place = place_in(old)
    code = (
        "import sys, time\n"
        "from greyhound.backup import make\n"
        "make.copy_artifacts = lambda *given: (print('copying', flush=True), time.sleep(600))\n"
        "from greyhound.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    given = ["backup", str(folder), "--database", place.database, "--registry", place.registry]
    process = subprocess.Popen([sys.executable, "-c", code, *given], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "copying\n"
    with pytest.raises(BackupRefused, match="another process makes"):
        make_backup(folder, place, progress)
    os.kill(process.pid, number)
    assert process.wait(60) == (130 if number == signal.SIGINT else -signal.SIGKILL)
    process.stdout.close()
    assert not folder.exists()
    if number == signal.SIGINT:
        wait_until(lambda: list(tmp_path.iterdir()) == [])
    make_backup(folder, place, progress)  # clears away what a killed one left
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
