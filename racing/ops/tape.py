"""Formulas in numpy, recorded once on arrays of fixed shape, and run again on new values.

A card has a handful of runners, and a numpy call on so few numbers is nearly all overhead: an operator is
looked up, types are resolved, a result is allocated.  The formulas of the features are straight-line code, so
all of that can be done once.  They run on :class:`Traced` arrays, which note every ufunc loop, those of
:mod:`racing.ops` included, with the addresses that it reads and writes; playing the tape runs the same loops
of numpy on the same memory, and gives the same numbers bit for bit.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from racing.ops.loops import IS_COMPILED, number, select

_Recorded = tuple[np.ufunc, int, list[NDArray[Any]]]
_Step = tuple[np.ufunc, int, int, Sequence[int], Sequence[int], Sequence[int], Sequence[int]]


class CompiledFormulas:
    """Formulas of one shape: fill :attr:`inputs`, then call it.

    A call works in the arrays of the recording, so one thread at a time fills and calls.
    """

    def __init__(
        self,
        formulas: Callable[..., Iterable[Any]],
        shapes: Sequence[tuple[int, ...]],
        outputs: Sequence[NDArray[np.float64]],
    ) -> None:
        self._formulas, self._outputs = formulas, outputs
        self.inputs: tuple[NDArray[np.float64], ...] = tuple(np.full(shape, np.nan) for shape in shapes)
        if IS_COMPILED:
            self._tape = Tape()
            with np.errstate(all="ignore"):
                results = formulas(*map(self._tape.trace, self.inputs))
                for result, output in zip(results, outputs, strict=True):
                    self._tape.output(result, into=output)
            self._tape.close()

    def __call__(self) -> None:
        """Leave in the outputs what the formulas give for the inputs."""
        if IS_COMPILED:
            self._tape.play()
            return
        with np.errstate(all="ignore"):
            for result, output in zip(self._formulas(*self.inputs), self._outputs, strict=True):
                output[...] = result


def compile_formulas(
    formulas: Callable[..., Iterable[Any]],
    shapes: Sequence[tuple[int, ...]],
    outputs: Sequence[NDArray[np.float64]],
) -> CompiledFormulas:
    """Return formulas compiled for inputs of these shapes, which leave each result in one of the outputs.

    ``formulas`` takes one array an input and returns arrays of the outputs' shapes. It may use ufuncs,
    operators, ``np.where``, basic slices and functions of :mod:`racing.ops`, and may not branch on values.

    Raises
    ------
    TypeError
        If a formula does anything else with its arrays.
    """
    return CompiledFormulas(formulas, shapes, outputs)


class Tape:
    """Formulas of one shape: ``trace`` the inputs, mark each ``output``, ``close``, and ``play``.

    Playing works in the arrays of the recording, so one thread plays at a time.
    """

    def __init__(self) -> None:
        self._inputs: list[NDArray[Any]] = []
        self._arrays: list[NDArray[Any]] = []  # alive, so that no address comes twice
        self._steps: list[_Recorded] = []
        self._recorded: dict[Any, list[NDArray[Any]]] = {}
        self._outputs: list[NDArray[Any]] = []

    def trace(self, array: NDArray[Any]) -> "Traced":
        """Return an input: the tape reads the array anew at each play."""
        self._inputs.append(array)
        return Traced(array, self)

    def output(self, result: Any, into: NDArray[np.float64]) -> None:
        """Let every play leave a result in an array of the caller's."""
        self._outputs.append(into)
        self._add(np.positive, [_array_of(result)], [into])

    def close(self) -> None:
        """End the recording: steps that no output needs are left out, and results share memory."""
        needed = {_address(array) for array in self._outputs}
        steps = []
        for ufunc, which, arrays in reversed(self._steps):
            if any(_address(array) in needed for array in arrays[ufunc.nin :]):
                needed |= {_address(_owner(array)) for array in arrays[: ufunc.nin]}
                steps.append((ufunc, which, arrays))
        steps.reverse()
        from racing.ops._loops import Tape as CompiledTape  # there where the loops are compiled

        homes = _homes(steps, [*self._inputs, *self._outputs])
        played = [_step(ufunc, which, arrays, homes) for ufunc, which, arrays in steps]
        owners = [homes.get(id(owner), owner) for *_, arrays in steps for owner in map(_owner, arrays)]
        alive = {id(owner): owner for owner in owners}
        self._tape = CompiledTape(played, (self._inputs, self._outputs, alive))
        self.n_steps, self.n_arrays = len(steps), len(alive)
        self._steps, self._arrays, self._recorded = [], [], {}

    def play(self) -> None:
        """Work out the outputs from what the inputs hold now."""
        self._tape.play()

    def record(self, ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
        """Run a ufunc and note it; one that was noted before is not run twice."""
        arrays = [_array_of(value) for value in inputs]
        which = _loop(ufunc, arrays)
        wanted = ufunc.types[which].partition("->")[0]
        arrays = [
            self._number(array) if array.dtype == bool and code == "d" else array
            for array, code in zip(arrays, wanted, strict=True)
        ]
        key = (ufunc, *(_identity(array) for array in arrays))
        if key not in self._recorded:
            results = ufunc(*arrays)
            results = [np.asarray(result) for result in (results if ufunc.nout > 1 else (results,))]
            self._add(ufunc, arrays, results)
            self._recorded[key] = results
        traced = [Traced(result, self) for result in self._recorded[key]]
        return traced if ufunc.nout > 1 else traced[0]

    def _number(self, flags: NDArray[np.bool_]) -> NDArray[np.float64]:
        found: Traced = self.record(cast(np.ufunc, number), [flags])
        return found.array

    def _add(self, ufunc: np.ufunc, arrays: list[NDArray[Any]], results: list[NDArray[Any]]) -> None:
        everything = [*arrays, *results]
        self._arrays += everything
        self._steps.append((ufunc, _loop(ufunc, arrays), everything))


class Traced(NDArrayOperatorsMixin):
    """An array on a tape: ufuncs, operators, ``np.where`` and basic slices work as on any other."""

    __array_priority__ = 1000

    def __init__(self, array: NDArray[Any], tape: Tape) -> None:
        self.array = array
        self._tape = tape

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the array's shape."""
        return self.array.shape

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, key: Any) -> "Traced":
        view = self.array[key]
        if view.base is None:
            raise TypeError(f"a formula may take slices of its arrays, not pick by {key!r}")
        return Traced(view, self._tape)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            raise TypeError(f"a formula may call {ufunc.__name__}, not its {method} or with {kwargs}")
        return self._tape.record(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is not np.where or len(args) != 3 or kwargs:
            raise TypeError(f"a formula may use ufuncs, np.where and racing.ops, not {function.__name__}")
        return select(*args)


def floats(values: Any) -> Any:
    """Return values as an array of floats; where formulas are being recorded, as they are."""
    return values if isinstance(values, Traced) else np.asarray(values, np.float64)


def _array_of(value: Any) -> NDArray[Any]:
    if isinstance(value, Traced):
        return value.array
    array = np.asarray(value)
    # The race of each runner stays a whole number, flags stay flags; every other number is a float here.
    return array if array.dtype == bool or array.ndim else array.astype(np.float64)


def _loop(ufunc: np.ufunc, arrays: list[NDArray[Any]]) -> int:
    """Return which of a ufunc's loops takes these arrays, flags being taken for numbers if need be."""
    return _loop_of(ufunc, tuple(array.dtype for array in arrays))


@cache
def _loop_of(ufunc: np.ufunc, given: tuple[np.dtype[Any], ...]) -> int:
    def fits(code: str, dtype: np.dtype[Any], *, loosely: bool) -> bool:
        return np.dtype(code) == dtype or (loosely and code == "d" and dtype.kind == "b")

    for loosely in (False, True):
        for which, types in enumerate(ufunc.types):
            codes = types.partition("->")[0]
            if "O" not in codes and all(
                fits(*pair, loosely=loosely) for pair in zip(codes, given, strict=True)
            ):
                return which
    raise TypeError(f"{ufunc.__name__} takes {ufunc.types}, got {given}")


def _homes(steps: Sequence[_Recorded], callers: Iterable[NDArray[Any]]) -> dict[int, NDArray[Any]]:
    """Return, by the id of each result's array, the array in whose memory it is worked out.

    A result that is read no more leaves its memory to the next of its size, so that a tape's numbers stay in
    the nearest caches. Callers' arrays are theirs, and no step writes constants.
    """
    last_use = {id(_owner(array)): place for place, (*_, arrays) in enumerate(steps) for array in arrays}
    theirs = {id(_owner(array)) for array in callers}
    homes: dict[int, NDArray[Any]] = {}
    free: dict[int, list[NDArray[Any]]] = {}
    for place, (ufunc, _, arrays) in enumerate(steps):
        for result in map(_owner, arrays[ufunc.nin :]):
            if id(result) not in theirs:
                of_size = free.setdefault(result.nbytes, [])
                homes[id(result)] = of_size.pop() if of_size else result
        for owner in {id(owner): owner for owner in map(_owner, arrays)}.values():
            if id(owner) in homes and last_use[id(owner)] == place:
                free[owner.nbytes].append(homes[id(owner)])
    return homes


def _step(ufunc: np.ufunc, which: int, arrays: list[NDArray[Any]], homes: dict[int, NDArray[Any]]) -> _Step:
    """Return a step as the compiled tape takes it."""
    owners = [_owner(array) for array in arrays]
    addresses = [
        _address(homes.get(id(owner), owner)) + _address(array) - _address(owner)
        for array, owner in zip(arrays, owners, strict=True)
    ]
    if ufunc.signature is not None:
        return ufunc, which, 1, addresses, [0] * len(arrays), *_core(ufunc.signature, arrays)
    shape = arrays[-1].shape
    strides = [np.broadcast_to(array, shape).strides for array in arrays]
    if len(shape) == 2 and all(outer == inner * shape[1] for outer, inner in strides):  # as one long row
        shape, strides = (shape[0] * shape[1],), [(inner,) for _, inner in strides]
    n_outer, outer = (1, [0] * len(arrays)) if len(shape) < 2 else (shape[0], [s[0] for s in strides])
    return ufunc, which, n_outer, addresses, outer, shape[-1:] or (1,), [s[-1] if s else 0 for s in strides]


def _core(signature: str, arrays: list[NDArray[Any]]) -> tuple[list[int], list[int]]:
    """Return the dims and the strides of a loop over vectors, as numpy's C interface wants them."""
    inputs, _, outputs = signature.partition("->")
    cores = [[name for name in part.split(",") if name] for part in _groups(inputs) + _groups(outputs)]
    sizes: dict[str, int] = {}
    outer: list[int] = []
    inner: list[int] = []
    n_loop = 1
    for array, core in zip(arrays, cores, strict=True):
        n_outer = array.ndim - len(core)
        n_loop = max(n_loop, array.shape[0] if n_outer else 1)
        outer.append(array.strides[0] if n_outer else 0)
        inner += array.strides[n_outer:]
        sizes |= dict(zip(core, array.shape[n_outer:], strict=True))
    return [n_loop, *sizes.values()], outer + inner


def _groups(part: str) -> list[str]:
    return [group.strip("()") for group in part.replace("),(", ")|(").split("|")]


def _identity(array: NDArray[Any]) -> Any:
    if array.ndim == 0:
        return array.dtype, array.tobytes()
    return _address(array), array.shape, array.strides, array.dtype


def _owner(array: NDArray[Any]) -> NDArray[Any]:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
