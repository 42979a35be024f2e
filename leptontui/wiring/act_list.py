"""`leptontui actions`: every action that there is, the user's own included."""

from __future__ import annotations

import json
import sys

from leptontui.actions.registry import PREPARE
from leptontui.config.actions import load_actions
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.view.act_words import SCHEMA, spec_json, spec_lines
from leptontui.wiring.doing import DONE, NOT_PLANNED, say


def all_specs() -> tuple[dict[str, ActionSpec], tuple[str, ...]]:
    """Every action by name, in menu order, and what is wrong with the user's own."""
    own = load_actions()
    specs = {name: spec for name, spec in SHIPPED.items() if name in PREPARE}
    specs |= {name: action.spec for name, action in own.actions.items()}
    return specs, tuple(map(str, own.problems))


def list_actions(*, as_json: bool) -> int:
    """Print them.

    Returns:
        0; 3 if one of the user's own has a mistake.
    """
    specs, problems = all_specs()
    for problem in problems:
        print(f"leptontui: {problem}", file=sys.stderr)
    if as_json:
        say(json.dumps({"schema": SCHEMA, "actions": [spec_json(spec) for spec in specs.values()]}))
    else:
        say("\n".join(line for spec in specs.values() for line in spec_lines(spec)))
    return NOT_PLANNED if problems else DONE
