"""What the fleet screen says around its table: the header's facts, the note beside the filter, an empty table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from leptontui.model.action import ActionName
from leptontui.model.health import Severity
from leptontui.model.link import LinkCounts
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.render.cells import Piece
from leptontui.render.header import HeaderFacts
from leptontui.snapshot import FleetSnapshot
from leptontui.view.columns import COLUMNS
from leptontui.view.key_review import changed, waiting
from leptontui.view.row import GpuRow, Row
from leptontui.view.state import Rows

if TYPE_CHECKING:
    from leptontui.view.arrange import Arrangement

FILTER_KEYS: Final = (("enter", "keep"), ("esc", "show all"), ("↓", "to the table"))
ACTION_KEYS: Final[dict[str, str]] = {ActionName.DRAIN: "d", ActionName.UNDRAIN: "u", ActionName.RESTART_UNIT: "r"}
_OTHERS: Final = re.compile(r" \+[0-9]+$")
_REASON_LENGTH: Final = 120
ROOMY: Final = 110
"""From this width on the order is told beside a filter too; the titles always tell it."""


def header_facts(
    fleet: str,
    expected: int,
    arrangement: Arrangement | None,
    *,
    now_unix_s: float,
    armed_until_unix_s: float | None,
    is_frozen: bool,
    failure: str,
) -> HeaderFacts:
    """The header of what is shown; before the first arrangement all `expected` hosts are being dialled."""
    if arrangement is None:
        return HeaderFacts(
            fleet,
            now_unix_s,
            counts=LinkCounts(dialing=expected),
            armed_until_unix_s=armed_until_unix_s,
            is_frozen=is_frozen,
            failure=failure,
        )
    snapshot, summary = arrangement.snapshot, arrangement.summary
    newest = snapshot.t_unix_s - snapshot.newest_age_s if snapshot.newest_age_s is not None else None
    return HeaderFacts(
        fleet,
        now_unix_s,
        counts=snapshot.link_counts,
        gpus=summary.gpus,
        util_pct=summary.util_pct,
        power_w=summary.power_w,
        age_s=max(0.0, now_unix_s - newest) if newest is not None else None,
        dropped_sweeps=snapshot.dropped_sweeps,
        forecaster=snapshot.forecaster,
        armed_until_unix_s=armed_until_unix_s,
        is_frozen=is_frozen,
        failure=failure,
    )


def filter_note(arrangement: Arrangement, width: int) -> tuple[Piece, ...]:
    """What the filter did or what is wrong with it, then the order."""
    state = arrangement.state
    if arrangement.error:
        return (Piece(f" ▲ {arrangement.error} ", "warning"),)
    title = next((column.title for column in COLUMNS[state.rows] if column.name == state.sort), state.sort)
    order = (Piece("  sort: ", "dim"), Piece(f"{title} {'▼' if state.is_descending else '▲'} "))
    if not state.filter.strip():
        return order
    noun = "GPUs" if state.rows is Rows.GPU else "hosts"
    found = Piece(f" {arrangement.shown} of {arrangement.total} {noun}", "accent")
    return (found, *order) if width >= ROOMY else (found, Piece(" "))


def name_of(row: Row) -> str:
    """What a row is about, in words: "gpu-017 GPU 3"."""
    host = plain(row.id.host, 60)
    if not isinstance(row, GpuRow) or row.id.gpu_uuid is None:
        return host
    return f"{host} GPU {row.number}"


def reason_for(row: Row | None) -> str:
    """Why one would take the host of a row out of service: what is wrong with it; "" if nothing is known to be.

    How many other findings there are says nothing to who finds the node drained: " +1" is left out.
    """
    if row is None or row.standing.severity < Severity.WARNING:
        return ""
    return plain(_OTHERS.sub("", row.standing.health), _REASON_LENGTH)


def idle_actions(hosts: Iterable[HostTarget | None], *, has_row: bool = True) -> set[str]:
    """The actions of the registry that can do nothing on any of `hosts`, so that no key is shown for them."""
    known = [host for host in hosts if host is not None] if has_row else []
    idle = set() if has_row else {"open_host", "inspect", "mark", "mark_all", "open_actions"}
    if not any(host.scheduler for host in known):
        idle |= {"drain", "undrain"}
    if not any(host.units for host in known):
        idle.add("restart")
    return idle


def idle_ways(snapshot: FleetSnapshot | None) -> set[str]:
    """The actions that help hosts to be reached and have nothing to do: no login asks, no key is to be reviewed."""
    idle: set[str] = set()
    if snapshot is None or not snapshot.questions:
        idle.add("answer")
    if snapshot is None or not (waiting(snapshot) or changed(snapshot)):
        idle.add("open_keys")
    return idle


def has_no_gpu(arrangement: Arrangement) -> bool:
    """Whether every host has been heard and none has a GPU: a table of GPUs would be all dashes."""
    counts = arrangement.snapshot.link_counts
    return arrangement.summary.gpus == 0 and counts.live > 0 and counts.live == counts.total


def nothing_words(arrangement: Arrangement | None, expected: int, failure: str) -> str:
    """Where there is no row to show: why, and what to do.

    Args:
        arrangement: what is shown; None before the first snapshot.
        expected: hosts of the inventory.
        failure: why no data can arrive; "" if they can.
    """
    if arrangement is not None and arrangement.total:
        return (
            f"No row matches  {arrangement.state.filter}\n\n"
            f"esc shows all {arrangement.total} again, ? explains the filter."
        )
    if failure:
        return f"✖ {failure}"
    if arrangement is not None:
        return "This fleet has no hosts."
    return f"dialling {expected} host{'' if expected == 1 else 's'}…"
