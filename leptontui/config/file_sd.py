"""Prometheus' file_sd files, JSON or YAML: targets lose the exporter's port and become hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.labels import foreign_labels
from leptontui.config.problem import quoted
from leptontui.config.yaml_text import parse_yaml

_EXPECTED: Final = '[{"targets": ["gpu1:9400"], "labels": {"job": "dcgm"}}]'
_GROUP_LABELS: Final = ("group", "cluster", "job")
"""Labels that say best which hosts belong together; they are the group, not labels."""


def parse_file_sd(text: str, where: str, *, is_json: bool) -> list[FoundHost]:
    """Read one file.

    Raises:
        NotUnderstood: it is not a list of targets with labels.
    """
    if is_json:
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise NotUnderstood(f"not JSON: {error.msg}", error.lineno) from None
        except (ValueError, RecursionError):
            raise NotUnderstood("not JSON") from None
    else:
        document = parse_yaml(text)
    return hosts_of(document, where)


def is_file_sd(document: object) -> bool:
    """Whether a JSON or YAML document looks like file_sd: a list of objects with targets."""
    return isinstance(document, list) and all(isinstance(entry, Mapping) and "targets" in entry for entry in document)


def hosts_of(document: object, where: str) -> list[FoundHost]:
    """The hosts of such a document.

    Raises:
        NotUnderstood: it is none.
    """
    if document is None:
        return []
    if not isinstance(document, list):
        raise NotUnderstood("not a list", expected=_EXPECTED)
    hosts: list[FoundHost] = []
    for n, entry in enumerate(document, start=1):
        targets = entry.get("targets") if isinstance(entry, Mapping) else None
        labels = entry.get("labels") if isinstance(entry, Mapping) else None
        if not isinstance(targets, list) or not isinstance(labels, Mapping | None):
            raise NotUnderstood(f"entry {n} is {quoted(entry)}", expected=_EXPECTED)
        known = labels or {}
        groups = tuple(str(known[label]) for label in _GROUP_LABELS if known.get(label))
        own = foreign_labels({name: value for name, value in known.items() if not _is_told(name)})
        for target in targets:
            if not isinstance(target, str):
                raise NotUnderstood(f"entry {n}: target {quoted(target)}", expected='a text such as "gpu1:9400"')
            hosts.append(FoundHost(host_of_target(target), groups=groups, labels=own, where=where))
    return hosts


def _is_told(label: object) -> bool:
    """Whether a label is a group already, or one that Prometheus keeps for itself."""
    return label in _GROUP_LABELS or str(label).startswith("__")


def host_of_target(target: str) -> str:
    """The host of a scrape target: `http://gpu1:9400/metrics`, `gpu1:9400`, `[fd00::1]:9400` or `gpu1`."""
    place = target.partition("://")[2] if "://" in target else target
    place = place.partition("/")[0]
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place if place.count(":") > 1 else place.partition(":")[0]
