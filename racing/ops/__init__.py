"""Where features and ratings spend their time: a few loops, and formulas compiled for one shape.

The functions here are loops over a form (n, K), a race or a table, as compiled C where there was a compiler
when the package was installed (``_loops.c``), else in numpy (:mod:`racing.ops.plain`, which says what each
means). :func:`compile_formulas` turns formulas that are written for arrays into one that runs on a fixed
shape fifty times faster. :mod:`racing.ops.trees` scores a model's trees (``_trees.c``),
:mod:`racing.ops.nets` its nets over the field (``_nets.c``), and :mod:`racing.ops.filter` is the rating
filter's inner step (``_filter.c``). Without a compiler everything works alike, a card takes milliseconds
instead of microseconds, and :data:`IS_COMPILED` is false.
``docs/explanation/compiled-features.md`` and ``model-time.md`` have it with figures.
"""

from racing.ops.loops import *  # noqa: F403
from racing.ops.tape import CompiledFormulas as CompiledFormulas
from racing.ops.tape import compile_formulas as compile_formulas
from racing.ops.tape import floats as floats
