"""The compiled loops of :mod:`racing.ops`; all else about the package stands in pyproject.toml."""

from pathlib import Path

import numpy
from setuptools import Extension, setup


def _compiled(name: str, *parts: str) -> Extension:
    return Extension(
        f"racing.ops.{name}",
        [f"racing/ops/{part}.c" for part in (name, *parts)],
        depends=[str(header) for header in Path("racing/ops").glob("*.h")],
        include_dirs=[numpy.get_include()],
        extra_compile_args=["-O3", "-ffp-contract=off"],  # sums stay in order: no -ffast-math
        optional=True,  # without a C compiler numpy and ONNX Runtime do the work, more slowly
    )


_NETS = ("_nets", "_nets_by_4", "_nets_by_8", "_nets_by_16")

setup(ext_modules=[_compiled("_loops"), _compiled("_filter"), _compiled("_trees"), _compiled(*_NETS)])
