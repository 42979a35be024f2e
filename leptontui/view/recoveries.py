"""Hosts that were out of reach for a while and answer again, as things that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from leptontui.model.alert import Alert
from leptontui.model.health import Severity
from leptontui.model.link import Outage
from leptontui.model.series import Entity
from leptontui.model.text import plain
from leptontui.view.triage_rows import ChangeRow

TOGETHER_S: Final = 60.0
"""Own choice: hosts that come back within a minute of the one before came back together."""
_MINUTES_FROM_S: Final = 90.0


def recoveries(outages: Iterable[Outage], resolved: Iterable[Alert], since_unix_s: float) -> Iterator[ChangeRow]:
    """One line for all hosts that came back together; none for those of which an alert that ended tells it already.

    Args:
        outages: of any hosts.
        resolved: alerts that ended lately.
        since_unix_s: what was over before is left out.
    """
    told: dict[str, list[Alert]] = {}
    for alert in resolved:
        if alert.subject.entity is Entity.HOST:
            told.setdefault(alert.subject.host, []).append(alert)
    recent = (outage for outage in outages if outage.until_unix_s >= since_unix_s)
    untold = [outage for outage in recent if not any(_tells(alert, outage) for alert in told.get(outage.host, ()))]
    for run in _runs(sorted(untold, key=lambda outage: (outage.until_unix_s, outage.host))):
        yield _row(run)


def _tells(alert: Alert, outage: Outage) -> bool:
    """Only what is told of hosts that are out of reach can begin while one is, and ends with that."""
    ended = alert.resolved_unix_s
    return (
        ended is not None
        and outage.from_unix_s <= alert.since_unix_s < outage.until_unix_s
        and 0 <= ended - outage.until_unix_s <= TOGETHER_S
    )


def _runs(outages: Sequence[Outage]) -> Iterator[list[Outage]]:
    run = list(outages[:1])
    for before, outage in pairwise(outages):
        if outage.until_unix_s - before.until_unix_s > TOGETHER_S:
            yield run
            run = []
        run.append(outage)
    if run:
        yield run


def _row(run: Sequence[Outage]) -> ChangeRow:
    last = run[-1]
    lasted = [outage.until_unix_s - outage.from_unix_s for outage in run]
    low, high = _lasted(min(lasted)), _lasted(max(lasted))
    span = high if low == high else f"{low} to {high}"
    cause = plain(Counter(outage.cause for outage in run).most_common(1)[0][0], 120)
    again = "answers again" if len(run) == 1 else "answer again"
    return ChangeRow(
        ("back", f"{last.host}@{last.until_unix_s:.0f}"),
        last.until_unix_s,
        "back",
        Severity.WELL,
        plain(last.host, 60) if len(run) == 1 else f"{len(run)} hosts",
        f"{again}, out of reach for {span}" + (f": {cause}" if cause else ""),
        host=last.host if len(run) == 1 else "",
    )


def _lasted(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds <= _MINUTES_FROM_S else f"{seconds / 60:.0f} min"
