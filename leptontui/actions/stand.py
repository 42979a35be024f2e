"""How a host stands with its scheduler at one moment, whichever scheduler that is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from leptontui.actions.reach import Reach
from leptontui.model.target import HostTarget


@dataclass(frozen=True, slots=True)
class Stand:
    """How a host stands with its scheduler.

    Attributes:
        node: as the scheduler calls it.
        is_out: whether it is drained, or cordoned: nothing new starts there.
        is_empty: whether no job or pod is left there, so that it may be reset or rebooted; None while that is not
            known, as of a node that does not respond.
        reason: why it is out, as somebody gave it; "" for none.
        by: the account that gave it, by the scheduler; "" where unknown.
        said: all this in one line for people.
        jobs: how many jobs or pods are there; None where it could not be asked.
        is_well: whether it would take work if it were not out: it responds, and is not down.
        is_rebooting: whether the scheduler reboots it now, or will when its jobs have ended.
        partitions: those it belongs to.
    """

    node: str
    is_out: bool
    is_empty: bool | None
    reason: str = ""
    by: str = ""
    said: str = ""
    jobs: int | None = None
    is_well: bool = True
    is_rebooting: bool = False
    partitions: tuple[str, ...] = ()


Look = Callable[[Reach, HostTarget], Awaitable[Stand]]
"""Asks a controller how a host stands. May raise `ActionError`, `LinkError` and `CommandTimeout`."""
