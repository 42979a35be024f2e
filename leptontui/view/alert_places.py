"""Where an alert is, in words people use: host and GPU number, host and mount; from labels, else from the frames."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from leptontui.model.alert import Alert, AlertBoard, Subject
from leptontui.model.series import Entity
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot

_LONGEST: Final = 60
_MORE: Final = re.compile(r" \(\+\d+ on [^()]*\)$")
Numbers = Mapping[tuple[str, str], str]
"""What GPUs are called, by host and uuid: "GPU 3"."""


def all_alerts(board: AlertBoard) -> Iterable[Alert]:
    """Every alert of a board that has not ended."""
    return (alert for group in board.groups for alert in group.alerts)


def taken_by(board: AlertBoard) -> dict[tuple[str, str], str]:
    """Who has acknowledged alerts, by host and GPU uuid ("" for the host itself), fit for the screen.

    What is about any other part of a host counts as the host's.
    """
    if not board.acknowledged:
        return {}
    return {
        (alert.subject.host, alert.subject.instance if alert.subject.entity is Entity.GPU else ""): plain(
            alert.acknowledgement.who, 24
        )
        for alert in all_alerts(board)
        if alert.acknowledgement is not None
    }


def gpu_names(snapshot: FleetSnapshot, alerts: Iterable[Alert]) -> Numbers:
    """What the GPUs of alerts are called that have no label for it. Polars work: not for the screen's thread."""
    wanted = {
        alert.subject.instance
        for alert in alerts
        if alert.subject.entity is Entity.GPU and alert.subject.instance and not alert.label("gpu").isdigit()
    }
    gpus = snapshot.frames.gpus
    if not wanted or not {"host", "uuid", "index"} <= set(gpus.columns):
        return {}
    import polars as pl  # noqa: PLC0415 — only where a frame is searched

    from leptontui.view.row import gpu_number  # noqa: PLC0415 — likewise

    found = gpus.filter(pl.col("uuid").is_in(list(wanted)))
    columns = [name for name in ("host", "uuid", "index", "mig_index") if name in found.columns]
    return {
        (row["host"], row["uuid"]): f"GPU {gpu_number(row['index'], row.get('mig_index'))}"
        for row in found.select(columns).iter_rows(named=True)
    }


def place_of(alert: Alert, numbers: Numbers) -> str:
    """Host and part, fit for the screen; "fleet" for what concerns all of it."""
    subject = alert.subject
    host = plain(subject.host, _LONGEST) or "fleet"
    part = part_of(subject, alert, numbers)
    return f"{host} {part}" if part else host


def apart(text: str, where: str, host: str) -> str:
    """A summary without the place that stands beside it already: rules' templates mostly begin with it.

    Of a group on one host the title is the worst alert's and how many more there are, "… (+3 on gpu-017)": that is told
    beside it, too.

    Args:
        text: fit for the screen.
        where: what stands beside it: host and part, or more hosts' common cause.
        host: the host's name, fit for the screen; "" for the fleet.
    """
    if host and text.endswith(f" on {host})"):
        text = _MORE.sub("", text)
    for place in (where, host):
        if place and text.startswith(f"{place}: "):
            return text.removeprefix(f"{place}: ")
    if host and where == host and text.startswith(f"{host} "):
        return text.removeprefix(f"{host} ")
    return text


def part_of(subject: Subject, alert: Alert, numbers: Numbers) -> str:
    """Which part of the host; "" for the host itself."""
    if not subject.instance:
        return ""
    if subject.entity is Entity.GPU:
        if alert.label("gpu").isdigit():
            return f"GPU {alert.label('gpu')}"
        return numbers.get((subject.host, subject.instance)) or plain(subject.instance, 14)
    return plain(subject.instance, _LONGEST)
