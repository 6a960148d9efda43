from typing import Any

import numpy as np
from numpy.typing import NDArray

def unpack_integers(content: bytes, start: int, tag: int, /) -> tuple[NDArray[np.int64], int]: ...
def unpack_choices(
    content: bytes, start: int, fields: tuple[bytes, ...], /
) -> tuple[NDArray[np.uint8], int]: ...

class Table:
    n_bytes: int
    def __new__(cls, n_features: int, /) -> Table: ...
    def add_trees(
        self,
        weight: float,
        base: float,
        clip: float,
        comparison: str,
        roots: NDArray[np.int64],
        feature: NDArray[np.int64],
        threshold: NDArray[np.float64],
        yes: NDArray[np.int64],
        no: NDArray[np.int64],
        unknown_is_yes: NDArray[np.bool_],
        value: NDArray[np.float64],
        /,
    ) -> None: ...
    def add_linear(
        self, weight: float, base: float, numbers: NDArray[np.float64], level_columns: NDArray[np.int64], /
    ) -> None: ...
    def add_to(self, rows: NDArray[Any], out: NDArray[np.float64], /) -> int: ...
