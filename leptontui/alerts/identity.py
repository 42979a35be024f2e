"""Who an alert is: the fingerprint of its rule and its subject."""

from __future__ import annotations

import hashlib
from typing import Final

from leptontui.model.alert import Subject

_LENGTH: Final = 16
"""Hexadecimal digits: 64 bits, so that ten thousand alerts of one fleet collide once in 10^11 fleets."""


def alert_id(rule: str, subject: Subject) -> str:
    """The id of the alert that `rule` raises about `subject`: the same for ever, on every machine."""
    # Lengths stand before the parts, so that no two different tuples read alike.
    parts = (rule, subject.entity.value, subject.host, subject.instance)
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:_LENGTH]
