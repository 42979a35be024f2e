"""Why a GPU is unlike its peers, in words. Only for those that are: a handful, so plain Python does."""

from __future__ import annotations

from collections import Counter
from typing import Final

import polars as pl

from leptontui.health import thresholds as limits

SCHEMA: Final = {"host": pl.String(), "uuid": pl.String(), "straggler": pl.String(), "outlier": pl.String()}
_FLAGS: Final = ("clock", "power", "temp", "util", "memory", "pcie")
_MOST: Final = 500
"""Own choice: more outliers than this are none; the words for the rest stay short."""
_THROTTLES: Final = (
    (limits.THROTTLE_HW_THERMAL, "thermal throttle"),
    (limits.THROTTLE_HW_POWER_BRAKE, "power brake"),
    (limits.THROTTLE_SW_THERMAL, "thermal throttle by the driver"),
    (limits.THROTTLE_HW_SLOWDOWN, "HW slowdown"),
)

Row = dict[str, object]


def peer_words(rows: pl.DataFrame) -> pl.DataFrame:
    """What to say of GPUs that are unlike their peers.

    Args:
        rows: all GPUs as scored and flagged by `peers`.

    Returns:
        `SCHEMA`, only of those of which there is something to say: a straggler is slow, an outlier odd otherwise.
    """
    found = rows.filter(pl.any_horizontal(f"is_{flag}" for flag in _FLAGS)).sort("host", "uuid")
    if not found.height:
        return pl.DataFrame(schema=SCHEMA)
    usual = _usual(rows, found)
    told = [
        (row["host"], row["uuid"], *_words(row, usual[row["key"]] if n < _MOST else {}))
        for n, row in enumerate(found.iter_rows(named=True))
    ]
    return pl.DataFrame(told, schema=SCHEMA, orient="row")


def _usual(rows: pl.DataFrame, found: pl.DataFrame) -> dict[str, Row]:
    """What is usual among the peers of those found: user, PCIe width and generation, power limit."""
    peers = rows.filter(pl.col("key").is_in(found["key"].unique().implode()))
    usual: dict[str, Row] = {}
    for (key,), group in peers.group_by("key"):
        usual[str(key)] = {
            "user": Counter(group["user"].drop_nulls().sort().to_list()).most_common(1),
            "width": group["pcie_width"].median(),
            "gen": group.filter(pl.col("v_pcie").is_not_null())["pcie_gen"].median(),
            "limit": group["power_limit_w"].median(),
        }
    return usual


def _words(row: Row, usual: Row) -> tuple[str | None, str | None]:
    cause = _cause(row, usual)
    slow = next(
        (metric for metric in ("clock", "power") if row[f"is_{metric}"] and _number(row, f"d_{metric}") < 0), ""
    )
    straggler = None
    if slow:
        straggler = f"straggler −{abs(_number(row, f'z_{slow}')):.1f}σ {slow}" + (f": {cause}" if cause else "")
    odd = [words for words in _odd(row, usual) if straggler is None or words not in straggler]
    return straggler, ", ".join(odd[:2]) or None


def _cause(row: Row, usual: Row) -> str:
    """What slows a GPU down, the surest first; "" if nothing that is seen does."""
    reasons = int(_number(row, "throttle_reasons"))
    limit, others = _number(row, "power_limit_w"), _number(usual, "limit")
    seen = (
        next((words for bit, words in _THROTTLES if reasons & bit), ""),
        _link(row, usual),
        "uncorrected ECC errors" if _number(row, "ecc_uncorrected") > 0 else "",
        "a row remap is pending" if row["is_remap_pending"] else "",
        f"{_number(row, 'nvlinks_inactive'):.0f} NVLinks down" if _number(row, "nvlinks_inactive") > 0 else "",
        f"power limit {limit:.0f} W where peers have {others:.0f} W"
        if 0 < limit < limits.POWER_LIMIT_SHARE * others
        else "",
        _stranger(row, usual),
        _hotter(row) if _number(row, "d_temp") >= limits.PEER_LEAST_TEMP_C else "",
    )
    return next((words for words in seen if words), "")


def _odd(row: Row, usual: Row) -> list[str]:
    found = []
    peers = _peers(row)
    if row["is_temp"]:
        found.append(_hotter(row))
    if row["is_memory"]:
        stranger = _stranger(row, usual)
        more = f": {stranger}" if stranger else ""
        found.append(f"memory {_number(row, 'd_memory'):.0f} GiB above its {peers}{more}")
    if row["is_util"]:
        found.append(f"util {_number(row, 'v_util'):.0f} % where its {peers} have {_number(row, 'm_util'):.0f} %")
    if row["is_power"] and _number(row, "d_power") > 0:
        found.append(f"draws {_number(row, 'd_power'):.0f} W more than its {peers}")
    # Fewer lanes than it could have are told for themselves.
    if row["is_pcie"] and row["pcie_width"] == row["pcie_width_max"]:
        found.append(_link(row, usual) or "a slower PCIe link than its peers")
    return found


def _hotter(row: Row) -> str:
    return f"{_number(row, 'd_temp'):.0f} °C hotter than its {_peers(row)}"


def _link(row: Row, usual: Row) -> str:
    width, others = _number(row, "pcie_width"), _number(usual, "width")
    if 0 < width < others:
        return f"PCIe ×{width:.0f} where peers have ×{others:.0f}"
    gen, newer = _number(row, "pcie_gen"), _number(usual, "gen")
    if row["v_pcie"] is not None and 0 < gen < newer:
        return f"PCIe generation {gen:.0f} where peers have {newer:.0f}"
    return ""


def _stranger(row: Row, usual: Row) -> str:
    """Somebody who uses this GPU and not its peers."""
    most = usual.get("user")
    known = str(most[0][0]).split(", ") if isinstance(most, list) and most else []
    mine = str(row["user"] or "").split(", ")
    strangers = [user for user in mine if user and user not in known]
    return f"a process of {', '.join(strangers[:2])} runs there, too" if strangers and known and len(mine) > 1 else ""


def _peers(row: Row) -> str:
    count = int(_number(row, "peers")) - 1
    return f"{count} peers"


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
