"""`leptontui runbook list` and `check`: which runbooks there are and are under way, and what is wrong with files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from leptontui.actions.runbook_course import OVER, words_of
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.config.problem import Problem
from leptontui.config.runbooks import load_runbooks
from leptontui.model.counted import counted
from leptontui.view.act_words import SCHEMA, runbook_json
from leptontui.wiring.act_list import all_specs
from leptontui.wiring.doing import DONE, NOT_PLANNED, say


def list_runbooks(*, as_json: bool) -> int:
    """Print the runbooks that can be started, and those under way.

    Returns:
        0; 3 if a file has a mistake.
    """
    specs, _ = all_specs()
    shelf = load_runbooks(specs)
    under_way = [kept.run for kept in RunbookFiles().read() if kept.run.state not in OVER]
    _complain(shelf.problems)
    if as_json:
        entries = [
            {
                "name": one.name,
                "meaning": one.meaning,
                "source": one.source,
                "parameters": [
                    {"name": parameter.name, "meaning": parameter.meaning, "default": parameter.default}
                    for parameter in one.parameters
                ],
                "steps": [
                    {"kind": task.kind.value, "title": task.title, "is_action": bool(task.action)} for task in one.tasks
                ],
            }
            for one in shelf.runbooks.values()
        ]
        say(json.dumps({"schema": SCHEMA, "runbooks": entries, "under_way": [runbook_json(run) for run in under_way]}))
        return NOT_PLANNED if shelf.problems else DONE
    for one in shelf.runbooks.values():
        given = " ".join(
            f"--param {parameter.name}=…" if parameter.default is None else f"[--param {parameter.name}=…]"
            for parameter in one.parameters
        )
        say(f"{one.name} HOST {given}".rstrip() + f"\n    {one.meaning} [{one.source}]")
        say("\n".join(f"    {number:>2}. {words_of(task)}" for number, task in enumerate(one.tasks, 1)))
    for run in under_way:
        step = run.steps[min(run.at, len(run.steps) - 1)]
        say(f"under way: {run.run_id}: {run.name} on {run.host}, {run.state.value}: step {run.at + 1}: {step.title}")
    return NOT_PLANNED if shelf.problems else DONE


def check_runbooks(files: Sequence[Path], *, as_json: bool) -> int:
    """Print every problem of these files, or of the user's.

    Returns:
        0 without problems, else 3.
    """
    specs, problems = all_specs()
    shelf = load_runbooks(specs, files or None)
    own = [one for one in shelf.runbooks.values() if one.source != "shipped"]
    if as_json:
        say(
            json.dumps(
                {
                    "schema": SCHEMA,
                    "problems": [*map(str, shelf.problems), *problems],
                    "runbooks": [one.name for one in own],
                }
            )
        )
    else:
        _complain(shelf.problems)
        for problem in problems:  # an action with a mistake is none, which is why a runbook may not find it
            print(f"leptontui: {problem}", file=sys.stderr)
        say(
            counted(len(shelf.problems), "problem")
            if shelf.problems
            else f"{counted(len(own), 'runbook')} of your own, without fault"
        )
    return NOT_PLANNED if shelf.problems else DONE


def _complain(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(f"leptontui: {problem}", file=sys.stderr)
