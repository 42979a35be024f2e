"""What the reader asked to see of the fleet: which rows, which of them, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DEFAULT_SORT: Final = "health"
"""Worst first: the column every view starts with."""


class Rows(StrEnum):
    """What one row stands for."""

    GPU = "gpus"
    HOST = "hosts"


@dataclass(frozen=True, slots=True)
class ViewState:
    """What is shown. Immutable: each change makes a new one.

    Attributes:
        rows: one row per GPU or per host.
        filter: in the language of `leptontui.view.query`; "" shows all.
        sort: name of the column sorted by.
        is_descending: greatest first.
    """

    rows: Rows = Rows.GPU
    filter: str = ""
    sort: str = DEFAULT_SORT
    is_descending: bool = True
