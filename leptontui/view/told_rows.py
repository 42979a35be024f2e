"""Rows of a snapshot as dicts, for the document and the report: hosts that are known only by their link included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.snapshot import FleetSnapshot
from leptontui.view.entity_json import number

if TYPE_CHECKING:
    import polars as pl

_ASKED_FOR: Final = frozenset(
    {
        *("host", "group", "link", "link_cause", "received_unix_s", "severity", "health", "findings", "node_state"),
        *("gpus_expected", "cpu_util_pct", "memory_used_bytes", "memory_total_bytes"),
        *("verdict_action", "verdict_words", "verdict_source", "verdict_evidence"),
        *("uuid", "index", "mig_index", "parent_uuid", "name", "state", "user", "job"),
    }
)


def host_rows(snapshot: FleetSnapshot) -> list[dict[str, Any]]:
    """Every host's row; one that is known only by its link has a row of nothing."""
    rows = rows_of(snapshot.frames.hosts)
    known = {row["host"] for row in rows}
    return rows + [
        {
            "host": name,
            "link": link.state.value,
            "link_cause": "" if link.fault is None else link.fault.cause,
            "severity": int(Severity.UNKNOWN),
        }
        for name, link in snapshot.links.items()
        if name not in known
    ]


def rows_of(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """What of a frame's rows is asked for one by one: there are thousands, with a hundred columns each."""
    return frame.select([name for name in frame.columns if name in _ASKED_FOR]).to_dicts()


def by_host(frame: pl.DataFrame) -> Mapping[str, list[dict[str, Any]]]:
    """The same, by host."""
    grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows_of(frame):
        grouped[row["host"]].append(row)
    return grouped


def gpu_count(snapshot: FleetSnapshot) -> int:
    """How many GPUs are known; a GPU's MIG instances are not counted besides it."""
    gpus = snapshot.frames.gpus
    return gpus["parent_uuid"].null_count() if "parent_uuid" in gpus.columns else gpus.height


def is_whole(gpu: Mapping[str, Any]) -> bool:
    """Whether it is a GPU rather than a MIG instance."""
    return gpu.get("parent_uuid") is None


def is_live(row: Mapping[str, Any]) -> bool:
    """Whether its values are of now."""
    return row.get("link") == LinkState.LIVE.value


def severity_of(row: Mapping[str, Any]) -> Severity:
    """How a host is; unknown unless it is live."""
    return own_severity(row) if is_live(row) else Severity.UNKNOWN


def own_severity(row: Mapping[str, Any]) -> Severity:
    """The severity a row says, live or not; unknown where it says none."""
    value = row.get("severity")
    return Severity.UNKNOWN if value is None else Severity(value)


def age_s_of(snapshot: FleetSnapshot, row: Mapping[str, Any]) -> float | None:
    """How old a row's values are; None if it never had any."""
    received = row.get("received_unix_s")
    return None if received is None else number(max(0.0, snapshot.t_unix_s - received), 1)


def verdict_of(row: Mapping[str, Any]) -> dict[str, object] | None:
    """What is to be done about a host or GPU, why and who says so; None where nothing fresh is known."""
    action = text_of(row, "verdict_action")
    if action is None:
        return None
    return {
        "action": action,
        "words": text_of(row, "verdict_words") or "",
        "source": text_of(row, "verdict_source") or "",
        "evidence": texts_of(row, "verdict_evidence"),
    }


def texts_of(row: Mapping[str, Any], name: str) -> list[str]:
    """Texts of a row; empty where there are none."""
    return [str(text) for text in row.get(name) or ()]


def text_of(row: Mapping[str, Any], name: str) -> str | None:
    """A text of a row; None where there is none."""
    value = row.get(name)
    return None if value is None else str(value)
