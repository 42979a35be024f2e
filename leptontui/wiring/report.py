"""`leptontui report`, `alerts list` and `alerts history`: what the alerts' database has, for people and scripts."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leptontui.alerts.report import Report, Shift, make_report
from leptontui.alerts.report_text import document_of, markdown_of
from leptontui.alerts.rules.durations import EXPECTED, parse_duration
from leptontui.alerts.shelf import Shelf, default_path
from leptontui.alerts.shelf_reading import chosen_fleet, fleets_of, predictions_of
from leptontui.errors import AlertError
from leptontui.model.alert import Alert
from leptontui.model.alert_document import alert_json, transition_json
from leptontui.model.alert_history import HistoryQuery, Transition
from leptontui.model.text import plain
from leptontui.wiring.files import private_opener

SCHEMA = "leptontui-alerts/1"
_ALL = 20_000


def report(*, since: str, fleet: str | None, out: Path | None, as_json: bool) -> int:
    """Print, or write, the shift's report.

    Args:
        since: how long the shift was, e.g. "12h".
        fleet: a part of the fleet's name; None for the one of which something happened last.
        out: a file to write it into instead.
        as_json: one JSON document instead of Markdown.

    Returns:
        0.

    Raises:
        AlertError: there is no history, or a file cannot be read or written.
    """
    until = time.time()
    began = until - _span_of(since)
    with _shelf(fleet) as (shelf, scope):
        told = shelf.history(HistoryQuery(since_unix_s=began, limit=_ALL))
        made = make_report(Shift(scope, began, until, told, shelf.alive(), predictions_of(shelf)))
    text = _written(made, as_json=as_json)
    if out is None:
        print(text, end="")
        return 0
    try:
        with open(out, "w", encoding="utf-8", opener=private_opener) as file:
            file.write(text)
    except OSError as error:
        raise AlertError(f"{out} cannot be written: {error.strerror or error}", "name another file") from error
    return 0


def _written(made: Report, *, as_json: bool) -> str:
    return json.dumps(document_of(made)) + "\n" if as_json else markdown_of(made)


def list_alerts(*, fleet: str | None, as_json: bool) -> int:
    """Print what fired when it was last written down: within seconds while leptontui watches.

    Returns:
        0.

    Raises:
        AlertError: there is no history, or it cannot be read.
    """
    with _shelf(fleet) as (shelf, scope):
        alerts = sorted(shelf.alive(), key=lambda alert: (-alert.level, alert.since_unix_s, alert.id))
    if as_json:
        print(json.dumps({"schema": SCHEMA, "fleet": scope, "alerts": [alert_json(alert) for alert in alerts]}))
        return 0
    for alert in alerts:
        print(_alert_line(alert))
    if not alerts:
        print("leptontui: nothing fires", file=sys.stderr)
    return 0


def print_history(words: tuple[str, ...], *, since: str, fleet: str | None, limit: int, as_json: bool) -> int:
    """Print what happened to alerts, oldest first.

    Args:
        words: all must be in rule, summary, labels, who or why.
        since: from how long ago on, e.g. "7d".
        fleet: as for `report`.
        limit: at most so many, the newest.
        as_json: one JSON document instead of lines.

    Returns:
        0.

    Raises:
        AlertError: there is no history, or it cannot be read.
    """
    query = HistoryQuery(since_unix_s=time.time() - _span_of(since), words=words, limit=limit)
    with _shelf(fleet) as (shelf, scope):
        told = tuple(reversed(shelf.history(query)))
    if as_json:
        document = {"schema": SCHEMA, "fleet": scope, "transitions": [transition_json(one) for one in told]}
        print(json.dumps(document))
        return 0
    for one in told:
        print(_transition_line(one))
    if not told:
        asked = f" with {plain(' '.join(words), 80)}" if words else ""
        print(f"leptontui: nothing happened to alerts{asked} in the last {plain(since, 40)}", file=sys.stderr)
    return 0


@contextmanager
def _shelf(wanted: str | None) -> Iterator[tuple[Shelf, str]]:
    path = default_path()
    fleets = fleets_of(path)
    scope = chosen_fleet(fleets, wanted)
    others = [plain(fleet, 80) for fleet in fleets if fleet != scope]
    if wanted is None and others:
        print(f"leptontui: of {plain(scope, 80)}; --fleet names another: {'; '.join(others)}", file=sys.stderr)
    shelf = Shelf(path, scope)
    try:
        yield shelf, scope
    finally:
        shelf.close()


def _span_of(text: str) -> float:
    seconds = parse_duration(text)
    if not seconds:
        raise AlertError(f"--since {plain(text, 40)}: expected {EXPECTED}, e.g. 12h")
    return seconds


def _time(unix_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix_s))


def _alert_line(alert: Alert) -> str:
    given = f", acknowledged by {alert.acknowledgement.who}" if alert.acknowledgement else ""
    held = ", silenced" if alert.silenced_by else ""
    since = _time(alert.fired_unix_s or alert.since_unix_s)
    told = plain(f"{alert.summary}{given}{held}", 400)
    return f"{since}  {alert.level.word:6}  {plain(alert.rule, 64)}  {told}"


def _transition_line(one: Transition) -> str:
    who = f" by {one.who}" if one.who else ""
    why = f" ({one.why})" if one.why else ""
    happened = plain(f"{one.happening.value}{who}", 100)
    told = plain(f"{one.alert.summary}{why}", 600)
    return f"{_time(one.at_unix_s)}  {happened}  {one.alert.level.word}  {plain(one.alert.rule, 64)}  {told}"
