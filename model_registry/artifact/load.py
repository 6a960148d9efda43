"""Reading an artifact: nothing in it is believed before it is proved, and nothing in it is code."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from model_registry.artifact.compiled_members import NotCompiled, compiled_member, compiled_net
from model_registry.artifact.digest import read_sealed
from model_registry.artifact.documents import DOCUMENTS, decode
from model_registry.artifact.loaded_model import CompiledNet, LoadedModel, OnnxMember
from model_registry.artifact.spec import Member, ModelSpec
from model_registry.errors import ArtifactBroken
from racing.ops.trees import BlendMember, build_table

INPUT, OUTPUT = "features", "log_odds"


def load_artifact(directory: Path | str, *, digest: str | None = None) -> LoadedModel:
    """Verify a model's directory and return it ready to score.

    Parameters
    ----------
    digest : str, optional
        What the artifact's digest must be, as the registry recorded it.

    Raises
    ------
    ArtifactBroken
        Names the file and what is wrong with it.
    """
    directory = Path(directory)
    files, found = read_sealed(directory, digest=digest)
    return load_files(files, found, directory)


def load_files(files: dict[str, bytes], digest: str, directory: Path) -> LoadedModel:
    """Return the model of an artifact's files, read and proved by :func:`read_sealed` from ``directory``."""
    try:
        return _load(files, digest)
    except ArtifactBroken as error:
        raise ArtifactBroken(f"{directory}: {error}", fault=error.fault) from error


def _load(files: dict[str, bytes], digest: str) -> LoadedModel:
    missing = [name for name in ("model.json", *(f"{d}.json" for d in DOCUMENTS)) if name not in files]
    if missing:
        raise ArtifactBroken(f"{', '.join(missing)} missing", fault="incomplete")
    documents = {name[:-5]: decode(name, files[name]) for name in files if name.endswith(".json")}
    spec = ModelSpec.from_json(documents.pop("model"))
    graphs = {name for name in files if name.endswith(".onnx")}
    if graphs != {member.file for member in spec.members}:
        listed = sorted(member.file for member in spec.members)
        raise ArtifactBroken(f"model.json: the members' files must be {sorted(graphs)}, got {listed}")
    n_features = len(spec.features)
    # Those that judge runners one by one take no columns of single runs, which come last.
    n_alone = len(spec.runner_features)
    card = _golden_features(documents, n_features)
    compiled: list[tuple[float, BlendMember]] = []
    nets: list[CompiledNet] = []
    others: list[OnnxMember] = []
    for member in spec.members:
        graph = files[member.file]
        n_own = n_features if member.reads_field else n_alone
        session = _session(member, graph, n_own)
        try:
            if member.reads_field:
                nets.append(CompiledNet(member.weight, compiled_net(graph, session, card, n_features)))
            else:
                of_runners = compiled_member(graph, session, card[:, :n_alone], n_alone)
                compiled.append((member.weight, of_runners))
        except NotCompiled as error:
            others.append(
                OnnxMember(member.name, member.weight, session, str(error), n_own, member.reads_field)
            )
    return LoadedModel(
        spec=spec,
        digest=digest,
        n_bytes=sum(len(content) for content in files.values()),
        documents=MappingProxyType(documents),
        table=build_table(n_alone, compiled) if compiled else None,
        nets=tuple(nets),
        onnx_members=tuple(others),
    )


def _golden_features(documents: Mapping[str, Mapping[str, Any]], n_features: int) -> NDArray[np.float32]:
    """Return the golden card's features, without rows where they cannot be read: that is found out later."""
    try:
        return np.array(documents["golden"]["features"], np.float32).reshape(-1, n_features)
    except (LookupError, TypeError, ValueError):
        return np.zeros((0, n_features), np.float32)


def _session(member: Member, graph: bytes, n_features: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # One thread: under load more of them queue for the same cores, p99 falls from 70 to 6 ms.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Fused nodes are slower on the few rows of a race: a net's field of eight takes 200 us with, 160 without.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base of their own
        raise ArtifactBroken(f"{member.file} is not a graph that can be run: {_first_line(error)}") from error
    inputs = [(node.name, node.type) for node in session.get_inputs()]
    if inputs != [(INPUT, "tensor(float)")]:
        raise ArtifactBroken(f"{member.file}: the input must be {INPUT!r} of tensor(float), got {inputs}")
    outputs = {node.name: node.type for node in session.get_outputs()}
    if outputs.get(OUTPUT) not in ("tensor(float)", "tensor(double)"):
        raise ArtifactBroken(f"{member.file}: an output must be {OUTPUT!r} of floats, got {outputs}")
    _try(member, session, n_features)
    return session


def _try(member: Member, session: ort.InferenceSession, n_features: int) -> None:
    rows = np.zeros((2, n_features), np.float32)
    rows[1] = np.nan
    try:
        answer = session.run([OUTPUT], {INPUT: rows})[0]
    except Exception as error:  # see above
        rule = f"cannot score {n_features} features: {_first_line(error)}"
        raise ArtifactBroken(f"{member.file} {rule}") from error
    if answer.shape != (2,):
        rule = f"must give one number a runner, got shape {answer.shape} for two"
        raise ArtifactBroken(f"{member.file} {rule}")
    if not np.isfinite(answer).all():
        rule = f"must give finite log odds for zeros and for unknowns (NaN), got {answer.tolist()}"
        raise ArtifactBroken(f"{member.file} {rule}")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
