"""`leptontui config check`: every problem of an inventory, of the files it names and of the user's other files.

Asks no host and no program.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Final

from leptontui.config import actions
from leptontui.config.assemble import assemble
from leptontui.config.found import Found
from leptontui.config.inventory import Inventory, examine
from leptontui.config.policy import policy_problems
from leptontui.config.problem import Problem
from leptontui.config.runbooks import load_runbooks
from leptontui.config.verdicts import FILE, default_verdicts, read_verdicts
from leptontui.errors import ConfigError
from leptontui.inventory.answer import NotAnswered
from leptontui.inventory.source_files import read_source_files
from leptontui.model.action_catalogue import SHIPPED

SCHEMA: Final = 1
_WRONG: Final = 3


def check_config(path: Path, *, as_json: bool) -> int:
    """Print every problem; those of the user's own verdicts, actions and runbooks and of the policies too.

    Args:
        path: the inventory, or a file of verdicts ("verdicts.toml") or actions ("actions.toml") to look at that alone.
        as_json: print one JSON document instead of lines.

    Returns:
        0 if there is none, else 3.
    """
    if path.name == FILE:
        overrides, problems = read_verdicts(path)
        well = f"verdicts on {len(overrides.xids)} Xids and {len(overrides.signals)} other signals"
        return _told(path, problems, well, as_json=as_json)
    if path.name == actions.FILE:
        own = actions.load_actions([path])
        return _told(path, list(own.problems), ", ".join(own.actions) or "no action", as_json=as_json)
    inventory, problems = examine(path)
    verdicts = default_verdicts()
    if verdicts is not None:
        problems.extend(read_verdicts(verdicts)[1])
    own = actions.load_actions()
    problems.extend(own.problems)
    specs = dict(SHIPPED) | {name: action.spec for name, action in own.actions.items()}
    problems.extend(load_runbooks(specs).problems)
    problems.extend(policy_problems())
    notes: list[str] = []
    found = [(spec, _read(inventory, n, problems, notes)) for n, spec in enumerate(inventory.sources)]
    hosts = 0
    try:
        hosts = len(assemble(inventory.name, inventory.groups, found, inventory.labels).hosts)
    except ConfigError as error:
        problems.append(Problem(str(path), None, "", error.problems[0]))
    asked = [spec.title for spec, answer in found if answer == Found() and not spec.files]
    if as_json:
        document = {
            "schema": SCHEMA,
            "file": str(path),
            "is_well": not problems,
            "problems": [asdict(problem) for problem in problems],
            "notes": notes,
            "hosts": hosts,
            "asked_when_run": asked,
        }
        print(json.dumps(document))
        return _WRONG if problems else 0
    for problem in problems:
        print(problem, file=sys.stderr)
    for note in notes:
        print(note)
    if problems:
        for file, count in Counter(problem.file for problem in problems).items():
            print(f"{file}: {count} problem{'s' if count > 1 else ''}", file=sys.stderr)
        return _WRONG
    more = f", and what {', '.join(asked)} will say" if asked else ""
    print(f"{path}: well; {hosts} {'host' if hosts == 1 else 'hosts'}{more}")
    return 0


def _told(path: Path, problems: list[Problem], well: str, *, as_json: bool) -> int:
    """What is to be said of one file alone; returns the exit code."""
    if as_json:
        told = [asdict(problem) for problem in problems]
        print(json.dumps({"schema": SCHEMA, "file": str(path), "is_well": not problems, "problems": told}))
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
        if not problems:
            print(f"{path}: well; {well}")
    return _WRONG if problems else 0


def _read(inventory: Inventory, n: int, problems: list[Problem], notes: list[str]) -> Found:
    """What a source's files say; nothing for a source that has to be asked."""
    spec = inventory.sources[n]
    if spec.is_asked or not spec.files:
        return Found()
    try:
        answer = read_source_files(spec)
    except NotAnswered as error:
        problems.extend(error.problems)
        return Found()
    if answer is None:
        notes.append(f"{spec.where}: {spec.title}: ansible-inventory is asked for its hosts; leptontui hosts does it")
        return Found()
    notes.extend(f"{spec.where}: {spec.title}: {note}" for note in answer.found.notes)
    return answer.found
