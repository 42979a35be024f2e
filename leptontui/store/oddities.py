"""What hosts said that cannot be so, for the screen: not believed, but told, and bounded for each host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.text import plain
from leptontui.store.bounds import Bounds, has_control

KEPT_S: Final = 60.0
"""Own choice: how long a host stays marked after it last said something odd."""
MOST_OF_A_HOST: Final = 8
_VALUE_LIMIT: Final = 24
_HUGE: Final = 10**21

Odd = tuple[int, str, object]
"""A row number (of rows, or of sweeps), what is odd (a name, the same each time), and how: in words, or as a `Beyond`.

Words are made only for what is kept, as a host can be odd in ten thousand ways at once.
"""


class Beyond(NamedTuple):
    """A value that was not believed."""

    value: object


class Oddities:
    """The newest oddities of each host, by code."""

    def __init__(self) -> None:
        self._said: dict[int, dict[str, tuple[float, str]]] = {}

    def note(self, host: int, what: str, how: object, mono_s: float) -> None:
        """Take one oddity; `mono_s` is our monotonic clock when it was received."""
        said = self._said.setdefault(host, {})
        said.pop(what, None)
        said[what] = (mono_s, f"{_shown(how.value)} is not believable" if isinstance(how, Beyond) else str(how))
        if len(said) > MOST_OF_A_HOST:
            del said[next(iter(said))]

    def forget(self, host: int) -> None:
        """Forget what a host said."""
        self._said.pop(host, None)

    def newest(self, mono_s: float) -> dict[int, tuple[str, ...]]:
        """What was said in the last `KEPT_S` seconds, by host's code, in words."""
        for host in list(self._said):
            said = self._said[host] = {
                what: told for what, told in self._said[host].items() if told[0] > mono_s - KEPT_S
            }
            if not said:
                del self._said[host]
        return {host: tuple(f"{what}: {how}" for what, (_, how) in said.items()) for host, said in self._said.items()}


def beyond(name: str, said: Sequence[Any], column: pl.Series, bounds: Bounds | None) -> Iterable[Odd]:
    """Values of `said` that `column` did not take, and that no honest host says."""
    for row in np.flatnonzero(column.is_null().to_numpy()).tolist():
        if said[row] is not None and (bounds is None or bounds.is_absurd(said[row])):
            yield row, name, Beyond(said[row])


def unprintable(name: str, said: Sequence[Any]) -> Iterable[Odd]:
    """Texts of `said` with control characters."""
    return ((row, name, "control characters") for row, text in enumerate(said) if has_control(text))


def by_sweep(odds: Iterable[Odd], of_sweep: npt.NDArray[np.intp]) -> Iterable[Odd]:
    """Oddities of rows as those of their sweeps, each kind once for each sweep."""
    found: dict[tuple[int, str], Odd] = {}
    for row, what, how in odds:
        sweep = int(of_sweep[row])
        found.setdefault((sweep, what), (sweep, what, how))
    return found.values()


def _shown(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _HUGE:
        return "a huge number"  # to print one of a million digits takes minutes
    return plain(str(value), _VALUE_LIMIT)
