"""The newest events of the fleet, filtered: in a thread, since GPUs' numbers are looked up in a frame."""

from __future__ import annotations

import fnmatch
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.event_rows import EventRow, event_rows
from leptontui.view.query import FieldKind, Op, Query, Term, parse
from leptontui.view.row import gpu_number

_FIELDS: Final = frozenset({"host", "group", "sev"})
_COMPARE: Final[dict[Op, Callable[[float, float], bool]]] = {
    Op.HAS: operator.eq,
    Op.EQUAL: operator.eq,
    Op.LESS: operator.lt,
    Op.AT_MOST: operator.le,
    Op.MORE: operator.gt,
    Op.AT_LEAST: operator.ge,
}


@dataclass(frozen=True, slots=True)
class EventPage:
    """What the events screen lists.

    Attributes:
        rows: newest first, repeated ones counted.
        total: kinds of events before filtering.
        error: what of the filter could not be understood; "" if all could.
    """

    rows: tuple[EventRow, ...]
    total: int
    error: str = ""


def event_page(snapshot: FleetSnapshot, text: str = "") -> EventPage:
    """The events that a filter leaves.

    Args:
        snapshot: whose events.
        text: words that must all occur; `host:gpu-0*`, `group:train`, `sev>=critical`; `!` turns a term round.
    """
    rows = event_rows(snapshot.events, _labels(snapshot))
    query = parse(text)
    strange = [term.field.name for term in query.terms if term.field is not None and term.field.name not in _FIELDS]
    error = query.error or (f"events have no {strange[0]}: use words, host:, group:, sev>=" if strange else "")
    return EventPage(tuple(row for row in rows if _fits(row, query, snapshot)), len(rows), error)


def _labels(snapshot: FleetSnapshot) -> dict[tuple[str, str], str]:
    """What the GPUs of the events are called, by host and uuid."""
    wanted = {event.gpu_uuid for event in snapshot.events if event.gpu_uuid is not None}
    gpus = snapshot.frames.gpus
    if not wanted or not {"host", "uuid", "index"} <= set(gpus.columns):
        return {}
    found = gpus.filter(pl.col("uuid").is_in(list(wanted)))
    columns = [name for name in ("host", "uuid", "index", "mig_index") if name in found.columns]
    return {
        (row["host"], row["uuid"]): f"GPU {gpu_number(row['index'], row.get('mig_index'))}"
        for row in found.select(columns).iter_rows(named=True)
    }


def _fits(row: EventRow, query: Query, snapshot: FleetSnapshot) -> bool:
    return all(_holds(row, term, snapshot) is not term.is_negated for term in query.terms)


def _holds(row: EventRow, term: Term, snapshot: FleetSnapshot) -> bool:
    if term.field is None:
        text = f"{row.host} {row.what} {row.where} {row.text} {row.meaning}".lower()
        return _has(text, term.words[0], is_part=True)
    if term.field.kind is FieldKind.SEVERITY:
        return _COMPARE[term.op](float(row.severity), term.number)
    if term.field.name == "host":
        return any(_has(plain(row.host).lower(), word, is_part=term.op is not Op.EQUAL) for word in term.words)
    if term.field.name == "group":
        target = snapshot.targets.get(row.host)
        return target is not None and any(_has(target.group.lower(), word, is_part=False) for word in term.words)
    return not term.is_negated  # a field that events do not have is told, and hides nothing


def _has(text: str, word: str, *, is_part: bool) -> bool:
    if "*" in word or "?" in word:
        pattern = word.replace("[", "[[]")
        pattern = f"*{pattern}*" if is_part else pattern
        return fnmatch.fnmatchcase(text, pattern)
    return word in text if is_part else word == text
