import numpy as np
from numpy.typing import NDArray

def use_lanes(n_lanes: int, /) -> None: ...

class Net:
    def __new__(
        cls, sizes: tuple[int, ...], columns: NDArray[np.int64], numbers: NDArray[np.float32], /
    ) -> Net: ...
    def add_to(
        self,
        rows: NDArray[np.float32],
        bounds: NDArray[np.int64],
        weight: float,
        out: NDArray[np.float64],
        /,
    ) -> None: ...
