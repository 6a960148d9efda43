"""Builds a kustomization: as much of kustomize as ours use, and an error for whatever else stands in one."""

import copy
from pathlib import Path
from typing import Any

import yaml

from tests.compose.plan import ROOT

KUBERNETES = ROOT / "deploy/kubernetes"
OVERLAYS = ("one-node", "many-nodes", "many-nodes-on-cpu")

Manifest = dict[str, Any]

_KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "patches"}
#: By what entries of a list are one and the same (the API's patchMergeKey); other lists are replaced whole.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}


def overlay(name: str) -> list[Manifest]:
    """Return all manifests of an overlay."""
    return build(KUBERNETES / "overlays" / name)


def build(folder: Path) -> list[Manifest]:
    """Return all manifests of a kustomization, in its order."""
    kustomization = _load(folder / "kustomization.yaml")[0]
    assert set(kustomization) <= _KNOWN, f"{folder}: this build knows {_KNOWN} alone"
    manifests: list[Manifest] = []
    for resource in kustomization["resources"]:
        path = (folder / resource).resolve()
        manifests += build(path) if path.is_dir() else _load(path)
    for patch in kustomization.get("patches", ()):
        assert set(patch) == {"path"}, "a patch is a file that names what it changes"
        (change,) = _load(folder / patch["path"])
        (index,) = (number for number, manifest in enumerate(manifests) if _id(manifest) == _id(change))
        manifests[index] = _merge(manifests[index], change)
    for manifest in manifests:
        if manifest["kind"] != "Namespace":
            manifest["metadata"]["namespace"] = kustomization["namespace"]
        for container in containers(manifest):
            for image in kustomization.get("images", ()):
                name, _, _ = container["image"].partition(":")
                if name == image["name"]:
                    container["image"] = f"{image.get('newName', name)}:{image['newTag']}"
    return manifests


def pod_of(manifest: Manifest) -> Manifest | None:
    """Return the description of a workload's Pod, or ``None`` if it is no workload."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Pod":
        return manifest
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec.get("template")
    return template if isinstance(template, dict) else None


def containers(manifest: Manifest) -> list[Manifest]:
    """Return all containers of a workload, those that come before first."""
    pod = pod_of(manifest)
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]] if pod else []


def _load(path: Path) -> list[Manifest]:
    # A document of aliases is copied, so that changing one container changes no other.
    return [copy.deepcopy(_plain(document)) for document in yaml.safe_load_all(path.read_text()) if document]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _id(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"]


def _merge(old: Any, new: Any, name: str = "") -> Any:
    """Return a strategic merge: objects by their fields, null deletes, some lists by a key."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {key: _merge(value, new[key], key) if key in new else value for key, value in old.items()}
        merged |= {key: value for key, value in new.items() if key not in old}
        return {key: value for key, value in merged.items() if value is not None}
    key = _MERGE_KEYS.get(name)
    if key and isinstance(old, list):
        there = {entry[key]: entry for entry in old}
        changed = [_merge(there.pop(entry[key], {}), entry) for entry in new]
        return [*changed, *there.values()]
    return new
