"""From a snapshot to the triage list. Called in a thread: thousands of alerts are ordered here, and drawn nowhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from leptontui.model.alert import Alert, AlertGroup, AlertState
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.alert_filter import fits, terms_of
from leptontui.view.alert_places import Numbers, all_alerts, gpu_names, place_of
from leptontui.view.triage_changes import changes
from leptontui.view.triage_rows import CARE_ORDER, Care, Row, Section, TriagePage, TriageRow


def triage_page(snapshot: FleetSnapshot, text: str = "", opened: Collection[str] = ()) -> TriagePage:
    """The list.

    Args:
        snapshot: whose alerts.
        text: the filter, see `leptontui.view.alert_filter`.
        opened: ids of the groups whose members are listed beneath them.
    """
    board, terms = snapshot.alerts, terms_of(text)
    numbers = gpu_names(snapshot, (*all_alerts(board), *board.resolved))
    explained, loose = _explained(board.groups)
    lines: dict[Section, list[tuple[tuple[int, int], list[Row]]]] = defaultdict(list)
    kept = 0
    for place, group in enumerate(loose):
        free = [alert for alert in group.alerts if not alert.inhibited_by] or list(group.alerts)
        own = tuple(alert for alert in free if fits(alert, terms))
        hidden = tuple(alert for alert in _hidden_by(group, free, explained) if fits(alert, terms))
        if not own and not hidden:
            continue
        kept += 1
        head, *members = _lines(group, own or tuple(free), hidden, numbers, is_open=group.id in opened)
        # What nobody looks after comes first; among equals the board's order, which is worst first.
        lines[head.section].append(((CARE_ORDER.index(head.care), place), [head, *members]))
    rows = [
        row
        for section in (Section.NOW, Section.AHEAD, Section.PENDING)
        for _, block in sorted(lines[section], key=_place)
        for row in block
    ]
    counts = Counter(_section(group) for group in loose)
    return TriagePage(
        board,
        (*rows, *changes(snapshot, terms, numbers)),
        groups_now=counts[Section.NOW],
        groups_ahead=counts[Section.AHEAD],
        groups_pending=counts[Section.PENDING],
        filtered_out=len(loose) - kept,
        hosts_live=snapshot.link_counts.live,
        hosts_total=snapshot.link_counts.total,
        numbers=numbers,
    )


def _place(line: tuple[tuple[int, int], list[Row]]) -> tuple[int, int]:
    return line[0]


def _explained(groups: Sequence[AlertGroup]) -> tuple[Mapping[str, list[Alert]], list[AlertGroup]]:
    """The alerts of groups that others on the board explain away as a whole, by what does; and all other groups."""
    known = {alert.id for group in groups for alert in group.alerts if not alert.inhibited_by}
    explained: dict[str, list[Alert]] = defaultdict(list)
    loose: list[AlertGroup] = []
    for group in groups:
        if all(alert.inhibited_by in known for alert in group.alerts):
            for alert in group.alerts:
                explained[alert.inhibited_by].append(alert)
        else:
            loose.append(group)
    return explained, loose


def _hidden_by(group: AlertGroup, free: Sequence[Alert], explained: Mapping[str, list[Alert]]) -> Iterator[Alert]:
    """What a group explains away: within it, and elsewhere."""
    if len(free) < len(group.alerts):
        yield from (alert for alert in group.alerts if alert.inhibited_by)
    if explained:
        for alert in free:
            yield from explained.get(alert.id, ())


def _lines(
    group: AlertGroup, alerts: tuple[Alert, ...], hidden: tuple[Alert, ...], numbers: Numbers, *, is_open: bool
) -> Iterator[TriageRow]:
    """The group's line and, if it is open, a line for each member."""
    section, count = _section(group), len(alerts) + len(hidden)
    where = place_of(alerts[0], numbers) if count == 1 else _places(group, alerts, numbers)
    is_open = is_open and count > 1
    yield TriageRow(
        ("group", group.id),
        section,
        group,
        alerts,
        where,
        min((care_of(alert) for alert in alerts), key=CARE_ORDER.index),
        is_open=is_open,
        hidden=len(hidden),
    )
    for alert in (*alerts, *hidden) if is_open else ():
        yield TriageRow(
            ("alert", alert.id), section, group, (alert,), place_of(alert, numbers), care_of(alert), is_member=True
        )


def _places(group: AlertGroup, alerts: tuple[Alert, ...], numbers: Numbers) -> str:
    """Where a group is: its host, else how many there are, or what its members share."""
    hosts = {alert.subject.host for alert in alerts}
    if len(alerts) == 1:
        return place_of(alerts[0], numbers)
    if len(hosts) == 1:
        return plain(next(iter(hosts)), 60) or "fleet"
    return plain(group.cause, 60) or f"{len(hosts)} hosts"


def _section(group: AlertGroup) -> Section:
    """What is comes before what will be, and both before what has not held for long enough to say so.

    A group is foretold, or pending, only if all of it is.
    """
    if all(alert.is_predictive for alert in group.alerts):
        return Section.AHEAD
    return Section.PENDING if all(alert.state is AlertState.PENDING for alert in group.alerts) else Section.NOW


def care_of(alert: Alert) -> Care:
    """Whether somebody or something looks after an alert."""
    if alert.inhibited_by:
        return Care.INHIBITED
    if alert.silenced_by:
        return Care.SILENCED
    if alert.state is AlertState.PENDING:
        return Care.PENDING
    return Care.ACKNOWLEDGED if alert.acknowledgement is not None else Care.OPEN
