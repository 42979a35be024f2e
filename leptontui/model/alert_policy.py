"""How a rule wants its alerts to live."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.alert import Level
from leptontui.model.reaction import Reaction


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """What the life of an alert needs to know of its rule.

    Attributes:
        rule: the rule's name.
        level: how urgent its alerts are.
        is_predictive: it tells of what will be.
        for_s: so long its condition must have held, watched, before it fires.
        keep_for_s: so long its condition must have been over, watched, before it ends.
        is_latched: what is over stays until somebody has acknowledged it, or an action was verified (an Xid).
        runbook: where to read on; "".
        action: suggested action, by the name actions have; "".
        reaction: what is done about it.
        horizon_s: how far ahead a predictive rule looks; 0 for others.
    """

    rule: str
    level: Level
    is_predictive: bool = False
    for_s: float = 0.0
    keep_for_s: float = 0.0
    is_latched: bool = False
    runbook: str = ""
    action: str = ""
    reaction: Reaction = Reaction.SUGGEST
    horizon_s: float = 0.0
