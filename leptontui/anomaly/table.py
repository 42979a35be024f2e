"""State of many series as columns that grow together: one row for each series, advanced all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


class Table:
    """Columns of equal length.

    Args:
        columns: by name, the value of a new row and what follows the row in its shape.
        rows: how many there are to begin with.
    """

    def __init__(self, columns: Mapping[str, tuple[float, tuple[int, ...], Any]], rows: int) -> None:
        self._columns = dict(columns)
        self._arrays = {name: np.full((rows, *tail), fill, kind) for name, (fill, tail, kind) in columns.items()}
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._arrays[name]

    def __setitem__(self, name: str, values: npt.NDArray[Any]) -> None:
        self._arrays[name] = values

    def resize(self, rows: int) -> None:
        """Make room for more rows; it never shrinks."""
        if rows <= self._rows:
            return
        for name, (fill, tail, kind) in self._columns.items():
            grown = np.full((rows, *tail), fill, kind)
            grown[: self._rows] = self._arrays[name]
            self._arrays[name] = grown
        self._rows = rows

    def forget(self, rows: Rows) -> None:
        """Make some rows new."""
        for name, (fill, _, _) in self._columns.items():
            self._arrays[name][rows] = fill

    def nbytes(self) -> int:
        """Bytes reserved."""
        return sum(array.nbytes for array in self._arrays.values())
