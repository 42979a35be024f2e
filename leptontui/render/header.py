"""The header: which fleet, how many links in which state, how old this is, am I armed, what time is it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.model.link import LinkCounts, LinkState
from leptontui.model.series import ForecasterState, ForecasterStatus
from leptontui.render.cells import Piece, fit_pieces, width_of
from leptontui.render.forecast_words import reach_words
from leptontui.render.numbers import age, countdown, metric, power, three
from leptontui.render.standing import LINK_GLYPHS, LINK_ROLES

_GAP: Final = 3
_FORECASTS_AMISS: Final = frozenset({ForecasterState.OFF, ForecasterState.STARTING, ForecasterState.DIED})
_OLD_S: Final = 5.0
"""An age from here on is coloured: several sweeps of the whole fleet are missing."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the header says.

    Attributes:
        fleet: the fleet's name, fit for the screen.
        now_unix_s: the time now.
        counts: links by state.
        gpus: GPUs known; None before the first snapshot.
        util_pct: their mean utilisation.
        power_w: their summed power.
        age_s: age of the newest sweep of any host; None before the first.
        dropped_sweeps: sweeps dropped so far.
        forecaster: state of the forecast worker.
        armed_until_unix_s: when arming expires; None while read-only.
        is_frozen: the picture stands still.
        failure: why what is shown is not kept up to date; "" if it is.
        place: what is shown of the fleet, e.g. "jobs"; "" for all of it.
    """

    fleet: str
    now_unix_s: float
    counts: LinkCounts = field(default_factory=LinkCounts)
    gpus: int | None = None
    util_pct: float | None = None
    power_w: float | None = None
    age_s: float | None = None
    dropped_sweeps: int = 0
    forecaster: ForecasterStatus = field(default_factory=ForecasterStatus)
    armed_until_unix_s: float | None = None
    is_frozen: bool = False
    failure: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the header that is shown whole, else in short, else not at all; the least important goes first."""

    importance: int
    pieces: tuple[Piece, ...]
    is_right: bool = False
    short: tuple[Piece, ...] = ()


def header(facts: HeaderFacts, width: int) -> tuple[Piece, ...]:
    """The header's first line, exactly `width` cells: what does not fit is left out, the least important first."""
    parts = [part for part in _parts(facts) if width_of(part.pieces)]
    room = width - 2
    order = [part.importance for part in parts]
    chosen: list[_Part] = []
    for part in sorted(parts, key=lambda item: -item.importance):
        gap = _GAP if chosen else 0
        fitting = (each for each in (part.pieces, part.short) if each and width_of(each) + gap <= room)
        if pieces := next(fitting, ()):
            chosen.append(replace(part, pieces=pieces))
            room -= width_of(pieces) + gap
    chosen.sort(key=lambda item: order.index(item.importance))
    left = _joined([part.pieces for part in chosen if not part.is_right])
    right = _joined([part.pieces for part in chosen if part.is_right])
    between = max(0, width - 2 - width_of(left) - width_of(right))
    return fit_pieces((Piece(" "), *left, Piece(" " * between), *right, Piece(" ")), width)


def _joined(groups: Sequence[tuple[Piece, ...]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for group in groups:
        if pieces:
            pieces.append(Piece(" " * _GAP))
        pieces.extend(group)
    return tuple(pieces)


def _parts(facts: HeaderFacts) -> list[_Part]:
    gpus = facts.gpus is not None
    return [
        _Part(99, _place(facts)),
        _Part(90, _links(facts.counts), short=_links_in_short(facts.counts)),
        _Part(95, _failure(facts.failure)),
        _Part(85, _dropped(facts.dropped_sweeps)),
        _Part(50, _labelled(f"{facts.gpus}", "GPUs") if gpus else ()),
        _Part(40, _labelled_before("util", f"{three(facts.util_pct)} %") if facts.util_pct is not None else ()),
        _Part(30, _labelled_before("power", power(facts.power_w)) if facts.power_w is not None else ()),
        _Part(60 if facts.forecaster.state in _FORECASTS_AMISS else 20, _forecasts(facts.forecaster)),
        _Part(93, _age(facts), is_right=True),
        _Part(92, _arming(facts), is_right=True),
        _Part(70, (Piece(time.strftime("%H:%M:%S", time.localtime(facts.now_unix_s)), "text"),), is_right=True),
    ]


def _place(facts: HeaderFacts) -> tuple[Piece, ...]:
    pieces = [Piece("lepton", "accent", is_bold=True)]
    for name in (facts.fleet, facts.place):
        pieces += [Piece(" ▸ ", "dim"), Piece(name, "text", is_bold=True)] if name else []
    return tuple(pieces)


def _links(counts: LinkCounts) -> tuple[Piece, ...]:
    """All hosts, then every link state that some host is in; live ones always."""
    pieces = [Piece(str(counts.total)), Piece(" host" if counts.total == 1 else " hosts", "dim")]
    for state in (LinkState.LIVE, LinkState.DIALING, LinkState.STALE, LinkState.LOST, LinkState.REFUSED):
        number: int = getattr(counts, state.value)
        if number or state is LinkState.LIVE:
            role = "critical" if state is LinkState.LOST else LINK_ROLES[state] if number else "dim"
            pieces += [Piece(f"  {LINK_GLYPHS[state]} ", role), Piece(str(number), "text")]
            pieces += [Piece(" dialing", "dim")] if state is LinkState.DIALING else []
    return tuple(pieces)


def _links_in_short(counts: LinkCounts) -> tuple[Piece, ...]:
    """Signs and numbers only."""
    first, *rest = (piece for piece in _links(counts)[2:] if piece.text != " dialing")
    return (first._replace(text=first.text.strip() + " "), *rest)


def _labelled(number: str, label: str) -> tuple[Piece, ...]:
    return (Piece(number), Piece(f" {label}", "dim"))


def _labelled_before(label: str, number: str) -> tuple[Piece, ...]:
    value, _, unit = number.partition(" ")
    return (Piece(f"{label} ", "dim"), Piece(value), Piece(f" {unit}" if unit else "", "dim"))


def _failure(failure: str) -> tuple[Piece, ...]:
    return (Piece(f"✖ {failure}"[:60], "critical", is_bold=True),) if failure else ()


def _dropped(dropped: int) -> tuple[Piece, ...]:
    return (Piece(f"▲ {metric(dropped)} sweeps dropped", "warning"),) if dropped else ()


def _forecasts(status: ForecasterStatus) -> tuple[Piece, ...]:
    """The forecaster in words; how much of the fleet it has forecast while it is simply at work."""
    reason = f": {status.reason}"[:40] if status.reason else ""
    match status.state:
        case ForecasterState.STARTING:
            return (Piece(f"forecasts: starting{reason}", "dim"),)
        case ForecasterState.DIED:
            return (Piece(f"▲ forecaster died{reason}, restarting", "warning"),)
        case ForecasterState.OFF if reason:
            return (Piece(f"no forecasts{reason}", "dim"),)
        case ForecasterState.READY | ForecasterState.BUSY if words := reach_words(status):
            return (Piece(words, "dim"),)
        case _:
            return ()


def _age(facts: HeaderFacts) -> tuple[Piece, ...]:
    if facts.age_s is None:
        return ()
    if facts.is_frozen:
        return (Piece(f"FROZEN {age(facts.age_s)}", "warning", is_bold=True),)
    return (Piece("age ", "dim"), Piece(age(facts.age_s), "warning" if facts.age_s >= _OLD_S else "text"))


def _arming(facts: HeaderFacts) -> tuple[Piece, ...]:
    if facts.armed_until_unix_s is None or facts.armed_until_unix_s <= facts.now_unix_s:
        return (Piece("READ-ONLY", "dim"),)
    return (Piece(f"ARMED {countdown(facts.armed_until_unix_s - facts.now_unix_s)}", "critical", is_bold=True),)
