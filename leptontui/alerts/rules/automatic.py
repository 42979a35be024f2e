"""Reads the table [auto]: what the user allows to be done without a person."""

from __future__ import annotations

from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.reaction import AUTOMATIC, AutoPolicy

MOST_PER_HOUR = 100


def read_auto(top: Table) -> AutoPolicy:
    """The policy; what is wrong is noted, and the default, which allows nothing, stands in its place.

    Args:
        top: the file's top level.
    """
    entry = top.values.get("auto")
    if entry is None:
        return AutoPolicy()
    if not isinstance(entry, dict):
        top.problem("auto", "no table", "[auto]")
        return AutoPolicy()
    before = len(top.problems)
    table = Table(entry, top.file, top.lines, "auto", 0, "auto", top.problems)
    table.refuse_unknown(("allow", "per_hour", "fleet_share"))
    possible = sorted(AUTOMATIC)
    allow = table.texts("allow", "a list of actions") or []
    for action in allow:
        if action not in possible:
            guess = did_you_mean(action, possible)
            table.problem("allow", quoted(action), "" if guess else "one of " + ", ".join(possible), guess)
    per_hour = table.number("per_hour", 0, MOST_PER_HOUR)
    share = table.values.get("fleet_share", AutoPolicy().fleet_share)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        table.problem("fleet_share", quoted(share), "a share from 0 to 1, e.g. 0.02")
        share = 0.0
    if len(top.problems) > before:
        return AutoPolicy()
    return AutoPolicy(frozenset(allow), AutoPolicy().per_hour if per_hour is None else per_hour, float(share))
