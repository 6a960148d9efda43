"""The compiled loops of :mod:`racing.ops`; all else about the package stands in pyproject.toml."""

import numpy
from setuptools import Extension, setup


def _compiled(name: str) -> Extension:
    return Extension(
        f"racing.ops.{name}",
        [f"racing/ops/{name}.c"],
        include_dirs=[numpy.get_include()],
        extra_compile_args=["-O3", "-ffp-contract=off"],  # sums stay in order: no -ffast-math
        optional=True,  # without a C compiler numpy and ONNX Runtime do the work, more slowly
    )


setup(ext_modules=[_compiled(name) for name in ("_loops", "_filter", "_trees", "_nets")])
