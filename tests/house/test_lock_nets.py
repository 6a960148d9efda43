"""Which packages a net's pins are: CPU builds alone, and none that a training has anyway."""

from typing import Any

from deploy import lock_nets


def file(name: str, digest: str, size: int = 1_000) -> dict[str, Any]:
    return {"name": name, "size": size, "hashes": {"sha256": digest}}


def package(name: str, version: str, marker: str = "python_full_version >= '3.11'") -> dict[str, Any]:
    wheel, sdist = file(f"{name}.whl", f"{name}-w"), file(f"{name}.tar.gz", f"{name}-s")
    return {"name": name, "version": version, "marker": marker, "wheels": [wheel], "sdist": sdist}


CARDS, CPU, MAC = "torch-linux", "torch-linux-cpu", "torch-mac"
LOCK = [
    package("jinja2", "3.1.6"),
    package("nvidia-cublas", "13.1"),
    package("triton", "3.7"),
    package("setuptools", "84.2"),
    package("sympy", "1.14.0"),
    package("networkx", "3.7", "python_full_version >= '3.12'"),
    {
        "name": "torch",
        "version": "2.13.0",
        "wheels": [file("linux.whl", CARDS, 526_000_000), file("mac.whl", MAC, 111_000_000)],
    },
    {"name": "torch", "version": "2.13.0+cpu", "wheels": [{"hashes": {"sha256": CPU}}]},
]
PIN = "torch==2.13.0+cpu ; sys_platform == 'linux'"


def test_what_fits_on_graphics_cards_alone_is_not_pinned() -> None:
    pins = lock_nets.locked(LOCK, lock_nets.read("jinja2==3.1.6 --hash=sha256:aa"), {})
    assert pins == {
        "sympy==1.14.0": {"sympy-w", "sympy-s"},
        "networkx==3.7 ; python_full_version >= '3.12'": {"networkx-w", "networkx-s"},
        "torch==2.13.0 ; sys_platform != 'linux'": {MAC},
        PIN: {CPU},
    }


def test_a_build_that_another_index_had_stays_pinned_while_the_version_does() -> None:
    before = {PIN: {"of-arm"}, "torch==2.12.0+cpu ; sys_platform == 'linux'": {"old"}}
    assert lock_nets.locked(LOCK, {}, before)[PIN] == {CPU, "of-arm"}


def test_pins_are_read_as_they_were_written() -> None:
    pins = {PIN: {"aa", "bb"}, "sympy==1.14.0": {"cc"}}
    assert lock_nets.read(lock_nets.written(pins)) == pins
