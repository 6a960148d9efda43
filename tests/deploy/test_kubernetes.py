"""The manifests for Kubernetes: the API's schemas take them, and nothing may do more than it needs."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from deploy.kubernetes.secret import secret
from tests.compose.plan import ROOT
from tests.deploy.kustomize import KUBERNETES, OVERLAYS, Manifest, containers, overlay, pod_of
from tests.deploy.policies import reaches

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
IMPORT = yaml.safe_load((KUBERNETES / "import/pod.yaml").read_text())
#: The oldest version of Kubernetes that we speak to, and the newest whose schemas the validator carries.
OLDEST = "1.29"


@cache
def manifests(name: str) -> list[Manifest]:
    return overlay(name)


def everything() -> Iterator[Manifest]:
    for name in OVERLAYS:
        yield from manifests(name)
    yield IMPORT


def workloads() -> Iterator[tuple[Manifest, dict[str, Any]]]:
    for manifest in everything():
        pod = pod_of(manifest)
        if pod:
            yield manifest, pod


def names(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


@pytest.mark.parametrize("version", [OLDEST, "newest"])
def test_the_schemas_of_the_api_take_every_manifest(version: str) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="make setup brings kubernetes-validate")
    version = validator.latest_version() if version == "newest" else version
    seen: list[Manifest] = []
    for manifest in [*everything(), secret(), secret("postgresql://host/name")]:
        if manifest not in seen:
            seen.append(manifest)
            validator.validate(manifest, version, strict=True)
    broken = {**IMPORT, "spec": IMPORT["spec"] | {"enableServiceLink": False}}
    with pytest.raises(validator.ValidationError, match="enableServiceLink"):
        validator.validate(broken, version, strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_kustomize_builds_the_same_as_the_tests_do(name: str) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed; its `kustomize` needs no cluster")
    folder = KUBERNETES / "overlays" / name
    built = subprocess.run(
        ["kubectl", "kustomize", folder], capture_output=True, text=True, check=True
    ).stdout
    theirs = {names(manifest): manifest for manifest in yaml.safe_load_all(built)}
    assert theirs == {names(manifest): manifest for manifest in manifests(name)}


def test_nothing_may_do_more_than_it_needs() -> None:
    for manifest, pod in workloads():
        spec, what = pod["spec"], names(manifest)
        assert not spec["automountServiceAccountToken"], what
        context = spec["securityContext"]
        assert context["runAsNonRoot"], what
        assert context["runAsUser"] == (999 if what[1] == "postgres" else 10001), what
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, what
        assert not set(spec) & {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"}, what
        assert not [volume for volume in spec["volumes"] if "hostPath" in volume], what
        for container in containers(manifest):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, what
            assert set(container["resources"]["limits"]) == {"cpu", "memory"}, what
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, what
    (namespace,) = (manifest for manifest in manifests("one-node") if manifest["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_address_of_a_neighbour_is_taken_for_a_setting() -> None:
    """Kubernetes would set MLFLOW_PORT=tcp://10.0.0.1:5000 for a Service of the name mlflow."""
    assert [names(manifest) for manifest, pod in workloads() if pod["spec"]["enableServiceLinks"]] == []


def test_everything_that_is_mounted_and_every_secret_that_is_read_is_there() -> None:
    for name, made in (("one-node", secret()), ("many-nodes", secret("postgresql://host/name"))):
        claims = {names(m)[1] for m in manifests(name) if m["kind"] == "PersistentVolumeClaim"}
        maps = {names(m)[1]: m["data"] for m in manifests(name) if m["kind"] == "ConfigMap"}
        for manifest in [*manifests(name), IMPORT]:
            pod = pod_of(manifest)
            if pod is None:
                continue
            volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
            own = {one["metadata"]["name"] for one in manifest["spec"].get("volumeClaimTemplates", ())}
            files = set()
            for volume in volumes.values():
                if "persistentVolumeClaim" in volume:
                    assert volume["persistentVolumeClaim"]["claimName"] in claims
                if "configMap" in volume:
                    assert volume["configMap"]["name"] in maps
                if "secret" in volume:
                    assert {item["key"] for item in volume["secret"]["items"]} <= set(made["stringData"])  # type: ignore[call-overload]
                    files |= {f"/run/secrets/greyhound/{item['path']}" for item in volume["secret"]["items"]}
            for container in containers(manifest):
                mounted = {mount["name"] for mount in container["volumeMounts"]}
                assert mounted <= set(volumes) | own, names(manifest)
                wanted = set(re.findall(r"/run/secrets/greyhound/[\w-]+", str(container) + str(maps)))
                assert wanted & {f for f in wanted if f in str(container)} <= files, names(manifest)
                if "envFrom" in container:
                    assert maps["races"]["GREYHOUND_DATABASE_FILE"] in files, names(manifest)
                places = {mount["mountPath"] for mount in container["volumeMounts"]}
                assert "/tmp" in places, names(manifest)


def test_a_request_is_sent_to_what_is_ready_and_listens() -> None:
    for name in OVERLAYS:
        for service in (manifest for manifest in manifests(name) if manifest["kind"] == "Service"):
            pods = [
                (manifest, pod)
                for manifest in manifests(name)
                if (pod := pod_of(manifest))
                and service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
            ]
            ((manifest, _),) = pods
            *_, container = containers(manifest)
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            for port in service["spec"]["ports"]:
                assert ports[port["targetPort"]] == port["port"]
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_the_service_is_given_longer_to_stop_than_it_takes() -> None:
    (service,) = (m for m in manifests("many-nodes") if names(m) == ("Deployment", "service"))
    settings = {entry["name"]: entry["value"] for entry in containers(service)[-1]["env"]}
    assert (
        service["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        > float(settings["GREYHOUND_DRAIN_S"]) + 10
    )
    assert service["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_autoscaling_asks_for_a_metric_that_the_service_has_and_the_adapter_brings() -> None:
    from service.observability.metrics import Metrics

    exposed = {family.name for family in Metrics().registry.collect()}
    (adapter,) = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    scalers = {
        name: next(m for m in manifests(name) if m["kind"] == "HorizontalPodAutoscaler")["spec"]
        for name in ("many-nodes", "many-nodes-on-cpu")
    }
    requested = [m["pods"]["metric"]["name"] for m in scalers["many-nodes"]["metrics"] if m["type"] == "Pods"]
    assert requested == ["greyhound_requests_in_flight"] == [adapter["name"]["as"]]
    assert set(requested) <= exposed
    assert adapter["seriesQuery"].startswith(requested[0])
    assert [metric["type"] for metric in scalers["many-nodes-on-cpu"]["metrics"]] == ["Resource"]
    for name, scaler in scalers.items():
        target = scaler["scaleTargetRef"]
        (scaled,) = (m for m in manifests(name) if names(m) == (target["kind"], target["name"]))
        assert "replicas" not in scaled["spec"], "each apply would undo what the autoscaler did"


def test_images_have_the_version_of_the_package() -> None:
    for manifest, _ in workloads():
        for container in containers(manifest):
            name, _, tag = container["image"].partition(":")
            assert tag == VERSION or name == "postgres", container["image"]


HOSTS = {"postgres": 5432, "mlflow": 5000, "service": 8000}


def test_each_reaches_what_its_settings_name_and_nothing_else() -> None:
    parts = [*manifests("one-node"), IMPORT]
    maps = {names(m)[1]: m["data"] for m in parts if m["kind"] == "ConfigMap"}
    files = secret()["stringData"]
    assert isinstance(files, dict)
    needed = {}
    for manifest in parts:
        if pod := pod_of(manifest):
            text = ""
            for container in containers(manifest):
                text += str(container) + (str(maps["races"]) if "envFrom" in container else "")
            read = [files[key] for key in re.findall(r"/run/secrets/greyhound/([\w-]+)", text)]
            named = {host for host, port in HOSTS.items() if f"{host}:{port}" in "".join([text, *read])}
            needed[names(manifest)[1]] = (pod["metadata"]["labels"], named - {names(manifest)[1]})
    assert needed["frontend"][1] == {"service"}
    assert needed["service"][1] == {"postgres", "mlflow"}
    needed["migrate"][1].discard("mlflow")  # settings that all have name it; a migration does not ask it
    for source, (labels, named) in needed.items():
        for host, port in HOSTS.items():
            if source != host and (source, host) != ("migrate", "mlflow"):
                allowed = reaches(parts, labels, needed[host][0], port)
                assert allowed == (host in named), f"{source} to {host}"
        assert not reaches(parts, labels, needed["frontend"][0], 5002)


def test_the_passwords_are_made_anew_and_stand_in_the_addresses() -> None:
    one, other = secret()["stringData"], secret()["stringData"]
    assert isinstance(one, dict)
    assert isinstance(other, dict)
    assert one["greyhound-password"] in one["database"]
    assert one["mlflow-password"] in one["mlflow-database"]
    assert not set(one.values()) & set(other.values()) - {"[]"}


def test_the_script_of_the_databases_is_the_one_of_compose() -> None:
    (script,) = (m for m in manifests("one-node") if names(m) == ("ConfigMap", "databases"))
    assert script["data"]["databases.sh"] == (ROOT / "deploy/postgres/databases.sh").read_text()


def test_the_secret_needs_nothing_but_python() -> None:
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(ast.parse((KUBERNETES / "secret.py").read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names


def test_mlflow_reads_its_database_from_the_file(tmp_path: Any) -> None:
    (mlflow,) = (m for m in manifests("one-node") if names(m) == ("StatefulSet", "mlflow"))
    (container,) = containers(mlflow)
    shell, option, script, _ = container["command"]
    (tmp_path / "mlflow-database").write_text("postgresql+psycopg://x")
    script = script.replace("$$(", "$(").replace("/run/secrets/greyhound", str(tmp_path))
    line = [shell, option, script, "env"]
    done = subprocess.run(line, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True)
    assert "MLFLOW_BACKEND_STORE_URI=postgresql+psycopg://x" in done.stdout.splitlines()


def test_the_page_tells_of_every_overlay_job_and_file() -> None:
    page = (ROOT / "docs/how-to/kubernetes.md").read_text()
    for path in re.findall(r"deploy/[\w./-]+", page):
        if "mine" not in path:  # a folder of the reader's own
            assert (ROOT / path).exists(), path
    wanted = {*OVERLAYS, *(names(m)[1] for m in manifests("one-node") if m["kind"] in ("Job", "CronJob"))}
    assert {name for name in wanted if name not in page} == set()
    for job in re.findall(r"--from=cronjob/(\w+)", page):
        assert any(names(manifest) == ("CronJob", job) for manifest in manifests("many-nodes"))
