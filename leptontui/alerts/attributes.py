"""What hosts have in common: group, rack, switch, bastion, driver, GPU model, jobs, and the inventory's labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from leptontui.alerts.inhibition import BASTION, SEVERAL
from leptontui.model.link import Link
from leptontui.model.target import HostTarget

_VIA: Final = " via "
_MOST_JOBS: Final = 32


def attributes_of(
    targets: Mapping[str, HostTarget], links: Mapping[str, Link], hosts: pl.DataFrame, gpus: pl.DataFrame
) -> dict[str, dict[str, str]]:
    """The attributes of every host of the fleet, several values of one joined by ", ".

    Args:
        targets: the inventory: group, labels, partitions, jump hosts.
        links: for the jump hosts that only the SSH configuration names.
        hosts: `Frames.hosts`, for the driver's version.
        gpus: `Frames.gpus`, for models and jobs.

    Returns:
        By host. A label of the inventory wins over an attribute of the same name, except for `bastion`.
    """
    drivers = _texts(hosts, "driver_version")
    models, jobs = _joined(gpus, "name"), _joined(gpus, "job")
    found: dict[str, dict[str, str]] = {}
    for name, target in targets.items():
        own = {
            "group": target.group,
            "partition": SEVERAL.join(target.partitions),
            "driver": drivers.get(name, ""),
            "model": models.get(name, ""),
            "job": jobs.get(name, ""),
        }
        own.update(target.labels)
        own[BASTION] = SEVERAL.join(_bastions(target, links.get(name)))
        found[name] = {attribute: value for attribute, value in own.items() if value}
    return found


def _bastions(target: HostTarget, link: Link | None) -> list[str]:
    """Jump hosts by name, without user and port, nearest to us first."""
    text = target.jump or ""
    if not text and link is not None:
        text = link.address.partition(_VIA)[2].replace(_VIA, ",")
    return list(dict.fromkeys(_host_of(hop) for hop in text.split(",") if _host_of(hop) not in {"", "none"}))


def _host_of(hop: str) -> str:
    place = hop.strip().rpartition("@")[2]
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place if place.count(":") > 1 else place.partition(":")[0]


def _texts(frame: pl.DataFrame, column: str) -> dict[str, str]:
    if column not in frame.columns:
        return {}
    return dict(frame.select("host", column).drop_nulls().iter_rows())


def _joined(frame: pl.DataFrame, column: str) -> dict[str, str]:
    """The values of a host's GPUs, each once, joined; a GPU may have several itself."""
    if column not in frame.columns or not frame.height:
        return {}
    pairs = frame.lazy().select("host", pl.col(column).str.split(SEVERAL)).explode(column).drop_nulls().unique()
    joined = pairs.sort("host", column).group_by("host").agg(pl.col(column).head(_MOST_JOBS).str.join(SEVERAL))
    return dict(joined.collect().iter_rows())
