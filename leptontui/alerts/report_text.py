"""The shift's report as Markdown and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

from leptontui.alerts.report import Report, RuleNoise
from leptontui.model.alert import Alert
from leptontui.model.alert_document import alert_json, transition_json
from leptontui.model.alert_history import Happening, Transition
from leptontui.model.counted import counted
from leptontui.model.text import plain

SCHEMA: Final = "leptontui-report/1"
MOST_LINES: Final = 200
"""Lines of a list in the Markdown; the JSON has all."""

_MARKED: Final = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|~!"})
_VERBS: Final = {
    Happening.FIRED: "fired",
    Happening.ACKNOWLEDGED: "acknowledged",
    Happening.UNACKNOWLEDGED: "acknowledgement taken back",
    Happening.RESOLVED: "resolved",
}


def markdown_of(report: Report, zone: tzinfo | None = None) -> str:
    """The report for people.

    Args:
        report: the figures.
        zone: whose times are told; None for this machine's.
    """
    return "\n".join(_lines(report, zone)).rstrip() + "\n"


def _lines(report: Report, zone: tzinfo | None) -> Iterator[str]:
    since, until = _time(report.since_unix_s, zone), _time(report.until_unix_s, zone)
    yield f"# Alerts of {_text(report.fleet)}, {since} to {until}"
    yield ""
    yield from _summary(report)
    yield ""
    yield f"## Still open ({len(report.open)})"
    yield ""
    yield from _cut([_open_line(alert, report.until_unix_s, zone) for alert in report.open], "nothing")
    yield ""
    yield "## Noise per rule"
    yield ""
    yield from _noise_table(report)
    yield ""
    yield "## What happened"
    yield ""
    yield from _cut([_happened_line(one, zone) for one in report.timeline], "nothing")


def _summary(report: Report) -> Iterator[str]:
    counts = ", ".join(counted(count, level.word) for level, count in report.fired.items())
    total = sum(report.fired.values())
    yield f"- Fired: {counted(total, 'alert')} ({counts}), {report.held_back} of them silenced or hidden by another."
    waits = ""
    if report.median_to_acknowledge_s is not None and report.slowest_to_acknowledge_s is not None:
        median, slowest = _span(report.median_to_acknowledge_s), _span(report.slowest_to_acknowledge_s)
        waits = f", after {median} in the median, {slowest} at the longest"
    yield f"- Acknowledged: {report.acknowledged}{waits}."
    if report.by_person:
        yield "- By: " + ", ".join(f"{_text(who) or 'nobody named'} {count}" for who, count in report.by_person.items())
    yield f"- Resolved: {report.resolved}. Still open: {len(report.open)}."
    flapping = sum(noise.flaps for noise in report.rules)
    if flapping:
        yield f"- Came back soon after they had ended: {counted(flapping, 'time')}."
    for record in report.predictions:
        precision = "–" if record.precision is None else f"{100 * record.precision:.0f} %"
        yield (
            f"- Predictions of {_text(record.rule)}, ever: {record.came_true} came true, {record.did_not} did not,"
            f" {record.missed} crossings were not foreseen; precision {precision}."
        )


def _noise_table(report: Report) -> Iterator[str]:
    if not report.rules:
        yield "nothing fired"
        return
    yield "| Rule | Level | Fired | Subjects | Acknowledged | Median wait | Median duration | Flaps | Precision |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for noise in report.rules[:MOST_LINES]:
        yield "| " + " | ".join(_cells(noise)) + " |"


def _cells(noise: RuleNoise) -> Iterator[str]:
    share, precision = noise.acknowledged_share, noise.precision
    yield _text(noise.rule)
    yield noise.level.word
    yield str(noise.fired)
    yield str(noise.subjects)
    yield "–" if share is None else f"{100 * share:.0f} %"
    yield _span(noise.median_to_acknowledge_s)
    yield _span(noise.median_s)
    yield str(noise.flaps)
    yield "–" if precision is None else f"{100 * precision:.0f} %"


def _open_line(alert: Alert, now_unix_s: float, zone: tzinfo | None) -> str:
    since = alert.fired_unix_s or alert.since_unix_s
    notes = [f"since {_time(since, zone)} ({_span(now_unix_s - since)})"]
    if alert.acknowledgement is not None:
        why = f": {_text(alert.acknowledgement.why)}" if alert.acknowledgement.why else ""
        notes.append(f"acknowledged by {_text(alert.acknowledgement.who)}{why}")
    if alert.silenced_by:
        notes.append("silenced")
    if alert.inhibited_by:
        notes.append("hidden by another")
    if alert.is_flapping:
        notes.append(f"flapping, {alert.flaps} times")
    return f"- {alert.level.word}: {_text(alert.summary)} — {', '.join(notes)}"


def _happened_line(one: Transition, zone: tzinfo | None) -> str:
    who = f" by {_text(one.who)}" if one.who else ""
    why = f": {_text(one.why)}" if one.why else ""
    what = _VERBS[one.happening]
    return f"- {_time(one.at_unix_s, zone)} {what}{who}: {one.alert.level.word}: {_text(one.alert.summary)}{why}"


def _cut(lines: list[str], nothing: str) -> Iterator[str]:
    if not lines:
        yield nothing
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"- … and {len(lines) - MOST_LINES} more: see --json"


def _text(text: str) -> str:
    """Text that no reader of Markdown takes for anything else."""
    return plain(text, 300).translate(_MARKED)


def _time(unix_s: float, zone: tzinfo | None) -> str:
    try:
        moment = datetime.fromtimestamp(unix_s, zone) if zone else datetime.fromtimestamp(unix_s).astimezone()
    except (OverflowError, ValueError, OSError):
        return "at an unknown time"
    return moment.strftime("%Y-%m-%d %H:%M")


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    seconds = max(0.0, seconds)
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def document_of(report: Report) -> dict[str, object]:
    """The report as plain dicts, lists, strings, numbers and None, ready for `json.dumps`."""
    return {
        "schema": SCHEMA,
        "fleet": report.fleet,
        "since_unix_s": report.since_unix_s,
        "until_unix_s": report.until_unix_s,
        "fired": {level.word: count for level, count in report.fired.items()},
        "held_back": report.held_back,
        "resolved": report.resolved,
        "acknowledged": report.acknowledged,
        "median_to_acknowledge_s": report.median_to_acknowledge_s,
        "slowest_to_acknowledge_s": report.slowest_to_acknowledge_s,
        "acknowledged_by": dict(report.by_person),
        "rules": [
            {
                "rule": noise.rule,
                "level": noise.level.word,
                "fired": noise.fired,
                "subjects": noise.subjects,
                "acknowledged": noise.acknowledged,
                "acknowledged_share": noise.acknowledged_share,
                "median_to_acknowledge_s": noise.median_to_acknowledge_s,
                "median_s": noise.median_s,
                "flaps": noise.flaps,
                "precision": noise.precision,
            }
            for noise in report.rules
        ],
        "open": [alert_json(alert) for alert in report.open],
        "timeline": [transition_json(one) for one in report.timeline],
        "predictions": [
            {
                "rule": record.rule,
                "came_true": record.came_true,
                "did_not": record.did_not,
                "missed": record.missed,
                "precision": record.precision,
            }
            for record in report.predictions
        ],
    }
