"""A hostile hand in the registry's files: nothing is unpickled or run, and the old version serves on.

The payloads create a file when they are unpickled or executed; a first test shows that they would.
"""

import datetime as dt
import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from model_registry.artifact.digest import SEAL, digest_of
from tests.service.builders import (
    RunningService,
    make_card,
    make_registry,
    open_registry,
    point_alias_at,
    running_service,
    win_probabilities,
)


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (str(self._mark), os.O_CREAT | os.O_WRONLY)


def python_of(mark: Path) -> bytes:
    return f"open({str(mark)!r}, 'w').close()\n".encode()


def graph_with_weights_at(location: str) -> bytes:
    """A linear model that takes its weights from a file outside of itself."""
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[3])
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "12")):
        weights.external_data.add(key=key, value=value)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["features", "weights"], ["log_odds"])],
        "linear",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def graph_of_strange_operators() -> bytes:
    graph = helper.make_graph(
        [
            helper.make_node(
                "PyOp", ["features"], ["log_odds"], domain="ai.onnx.contrib", module="os", func="system"
            )
        ],
        "strange",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("log_odds", TensorProto.FLOAT, [None])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.contrib", 1)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def zip_of(mark: Path) -> bytes:
    """As PyTorch and NumPy store things: a pickle in a zip."""
    path = mark.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Payload(mark)))
    return path.read_bytes()


def object_array_of(mark: Path) -> bytes:
    path = mark.with_suffix(".npy")
    np.save(path, np.array([Payload(mark)], dtype=object), allow_pickle=True)
    return path.read_bytes()


PLANTED: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "a pickle": ("model.pkl", lambda mark: pickle.dumps(Payload(mark))),
    "a pickle called JSON": ("summary.json", lambda mark: pickle.dumps(Payload(mark))),
    "a pickle called ONNX": ("members/member_0.onnx", lambda mark: pickle.dumps(Payload(mark))),
    "a joblib": ("members/member_0.joblib", lambda mark: pickle.dumps(Payload(mark))),
    "a torch archive": ("model.pt", zip_of),
    "an array of objects": ("effects.npy", object_array_of),
    "a Python file": ("sitecustomize.py", python_of),
    "a package": ("model_registry/__init__.py", python_of),
    "a path configuration": ("evil.pth", lambda mark: b"import os; " + python_of(mark)),
    "a shared library": ("members/libcustom_op.so", lambda mark: b"\x7fELF" + bytes(60)),
    "weights elsewhere": ("members/member_0.onnx", lambda _: graph_with_weights_at("weights.bin")),
    "weights above": ("members/member_0.onnx", lambda _: graph_with_weights_at("../../../../weights.bin")),
    "weights at the root": (
        "members/member_0.onnx",
        lambda mark: graph_with_weights_at(str(mark.parent / "weights.bin")),
    ),
    "strange operators": ("members/member_0.onnx", lambda _: graph_of_strange_operators()),
    "a graph of rubbish": ("members/member_0.onnx", lambda _: os.urandom(5000)),
    "JSON without end": ("summary.json", lambda _: b"[" * 200_000),
    "a number without end": (
        "summary.json",
        lambda _: b'{"success": true, "features": ' + b"9" * 100_000 + b"}",
    ),
}


def seal_anew(directory: Path) -> str:
    """Make the seal true again, as an owner of the files can, and return the digest."""
    files = {str(p.relative_to(directory)): p for p in directory.rglob("*") if p.is_file() and p.name != SEAL}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())}
    seal = (json.dumps({"algorithm": "sha256", "files": digests}, indent=1) + "\n").encode()
    (directory / SEAL).write_bytes(seal)
    return digest_of(seal)


@dataclass(frozen=True)
class Target:
    """A service on version 1, and the files of version 2."""

    service: RunningService
    uri: str
    directory: Path

    def plant(self, name: str, content: bytes) -> None:
        """Put a file among those of version 2, over one that is there or beside them."""
        (self.directory / name).parent.mkdir(exist_ok=True)
        (self.directory / name).write_bytes(content)

    def refusal(self) -> str:
        """Promote version 2 by hand and return why it is refused, once version 1 has proved to serve on."""
        before = win_probabilities(self.service.predict(make_card()))
        requested_at = dt.datetime.now(dt.UTC).isoformat()
        point_alias_at(self.uri, 2)
        status = self.service.wait_until(
            lambda status: status["refusals"] and status["refusals"][0]["at"] > requested_at
        )
        assert status["version"] == 1
        assert (win_probabilities(self.service.predict(make_card())) == before).all()
        reason: str = status["refusals"][0]["reason"]
        return reason

    def seal_anew(self) -> None:
        """Make seal and registry agree with the files, as who can write to both can."""
        digest = seal_anew(self.directory)
        open_registry(self.uri)._store.client.set_model_version_tag("greyhound-win", "2", "digest", digest)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("registry")
    uri = make_registry(folder, exponents=(0.5, 2.0))
    with running_service(uri, champion_poll_s=0.02) as service:
        yield Target(service, uri, open_registry(uri).fetch(2))


@pytest.fixture
def target(served: Target, tmp_path: Path) -> Iterator[Target]:
    """The target, whose files are put back afterwards."""
    shutil.copytree(served.directory, tmp_path / "original")
    digest = digest_of((served.directory / SEAL).read_bytes())
    yield served
    point_alias_at(served.uri, 1)
    served.service.wait_until(lambda status: status["registry"]["champion_version"] == 1)
    shutil.rmtree(served.directory)
    shutil.copytree(tmp_path / "original", served.directory)
    open_registry(served.uri)._store.client.set_model_version_tag("greyhound-win", "2", "digest", digest)


def test_the_payloads_do_what_they_should_not(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Payload(tmp_path / "a")))
    np.load(save(tmp_path / "x.npy", object_array_of(tmp_path / "b")), allow_pickle=True)
    subprocess.run([sys.executable, save(tmp_path / "x.py", python_of(tmp_path / "c"))], check=True)
    assert all((tmp_path / name).exists() for name in "abc")


def save(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that a payload makes; weights to steal lie in the working folder and beside."""
    (tmp_path / "work").mkdir()
    for folder in (tmp_path, tmp_path / "work"):
        (folder / "weights.bin").write_bytes(np.array([1, 2, 3], np.float32).tobytes())
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "it-was-run"


@pytest.mark.parametrize("what", PLANTED)
def test_what_is_planted_in_an_artifact_is_refused_and_not_run(target: Target, mark: Path, what: str) -> None:
    name, content = PLANTED[what]
    target.plant(name, content(mark))
    assert target.refusal()
    assert not mark.exists()


@pytest.mark.parametrize("what", PLANTED)
def test_it_is_refused_too_where_seal_and_registry_agree_with_it(
    target: Target, mark: Path, what: str
) -> None:
    """The owner of the registry may have a wrong model served, but runs no code here and reads no file."""
    name, content = PLANTED[what]
    target.plant(name, content(mark))
    target.seal_anew()
    reason = target.refusal()
    assert "digest" not in reason, reason
    assert not mark.exists()


def test_a_sound_version_is_let_in_where_the_hostile_ones_were_not(target: Target) -> None:
    point_alias_at(target.uri, 2)
    target.service.wait_until(lambda status: status["version"] == 2)
    point_alias_at(target.uri, 1)
    target.service.wait_until(lambda status: status["version"] == 1)


def test_the_code_beside_the_data_is_never_looked_at(tmp_path: Path, mark: Path) -> None:
    """The pyfunc around an artifact holds code for Spark and `mlflow models serve`, not for the service."""
    uri = make_registry(tmp_path, exponents=(0.5, 2.0))
    pyfunc = open_registry(uri).fetch(2).parents[1]
    assert (pyfunc / "MLmodel").exists()
    for name in ("python_model.pkl", "model.pkl", "python_model.cloudpickle"):
        (pyfunc / name).write_bytes(pickle.dumps(Payload(mark)))
    for path in [*pyfunc.rglob("*.py"), pyfunc / "sitecustomize.py", pyfunc / "code.py"]:
        path.write_bytes(python_of(mark))
    (pyfunc / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: code\n    code: .\n")
    with running_service(uri) as service:
        point_alias_at(uri, 2)
        service.wait_until(lambda status: status["version"] == 2)
        assert service.predict(make_card()).status_code == 200
        assert not mark.exists()


def test_links_out_of_the_artifact_are_refused(target: Target, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"password": "hunter2"}')
    (target.directory / "notes.json").symlink_to(secret)
    assert "plain file" in target.refusal()
    assert "hunter2" not in target.service.client.get("/model_status").text


def test_the_serving_side_imports_nothing_that_unpickles(tmp_path: Path) -> None:
    """Loading, predicting and explaining with unpickling forbidden works as before."""
    uri = make_registry(tmp_path)
    code = f"""
import asyncio, datetime, pickle, _pickle
import httpx
from service.app import create_app
from service.settings import ServiceSettings
from tests.service.builders import make_card
def refuse(*_, **__):
    raise AssertionError("unpickled")
pickle.load = pickle.loads = pickle.Unpickler = _pickle.load = _pickle.loads = _pickle.Unpickler = refuse
app = create_app(ServiceSettings(registry={uri!r}, database=None, kept_champion=""))
async def start():
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            answer = await client.post("/predict?explain=true", json=make_card())
            assert answer.status_code == 200, answer.text
asyncio.run(start())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
