"""`leptontui rules`: check the user's rules, list all of them, run scenarios through them."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from leptontui.alerts.rules.book import RuleBook, load_rules, names_series, user_rules_file
from leptontui.alerts.rules.durations import duration_text
from leptontui.alerts.rules.reading import FOREIGN
from leptontui.alerts.rules.rule import Rule
from leptontui.alerts.rules.scenario import Scenario, read_scenarios
from leptontui.alerts.rules.trial import Difference, Outcome, run_scenario
from leptontui.alerts.rules.vocabulary import AnySeries
from leptontui.config.problem import Problem
from leptontui.config.text import read_text, unreadable
from leptontui.errors import ConfigError
from leptontui.model.series import Entity

SCHEMA: Final = 1
_WRONG: Final = 3
_DIFFERS: Final = 1


def check_rules(file: Path | None, *, as_json: bool) -> int:
    """Print everything that is wrong with a rules file.

    Args:
        file: the file; None: the user's.
        as_json: print one JSON document instead of lines.

    Returns:
        0 if nothing is, else 3.

    Raises:
        ConfigError: the file that was named is not there.
    """
    path = file or user_rules_file()
    if file is not None and not file.exists():
        raise ConfigError([f"{file}: is not there"])
    book = load_rules(path, foreign=AnySeries() if _names_series(path) else None)
    own = [rule for rule in book.rules if rule.origin != "shipped"]
    if as_json:
        document = {
            "schema": SCHEMA,
            "file": str(path),
            "is_well": not book.problems,
            "problems": [asdict(problem) for problem in book.problems],
            "rules": len(book.rules),
            "own": len(own),
        }
        print(json.dumps(document))
        return _WRONG if book.problems else 0
    if _told(book.problems, str(path)):
        return _WRONG
    there = f"{len(own)} own or changed" if path.exists() else "no file of your own"
    print(f"{path}: well; {len(book.rules)} rules, {there}, {len(book.disabled)} turned off")
    return 0


def list_rules(*, as_json: bool) -> int:
    """Print all rules that are in force.

    Returns:
        0, or 3 if something is wrong with the user's file.
    """
    book = load_rules(user_rules_file())
    if as_json:
        print(json.dumps({"schema": SCHEMA, "rules": [_document(rule) for rule in book.rules]}))
    else:
        print("\n".join(_lines(book)))
    return _WRONG if _told(book.problems, str(user_rules_file())) else 0


def run_scenarios(files: Sequence[Path], *, rules: Path | None, as_json: bool) -> int:
    """Run scenario files and print where what came is not what was expected.

    Args:
        files: scenario files.
        rules: the rules' file beside the shipped ones; None: the user's.
        as_json: print one JSON document instead of lines.

    Returns:
        0 if all came as expected, 1 if not, 3 if a file is wrong.

    Raises:
        ConfigError: the rules file that was named is not there.
    """
    if rules is not None and not rules.exists():
        raise ConfigError([f"{rules}: is not there"])
    path = rules or user_rules_file()
    book = load_rules(path, foreign=AnySeries() if _names_series(path) else None)
    scenarios, problems = _read(files)
    problems = (*book.problems, *problems)
    outcomes = [run_scenario(scenario, book.rules) for scenario in scenarios]
    failed = [outcome for outcome in outcomes if not outcome.is_well]
    if as_json:
        document = {
            "schema": SCHEMA,
            "is_well": not failed and not problems,
            "problems": [asdict(problem) for problem in problems],
            "scenarios": [_outcome_document(outcome) for outcome in outcomes],
        }
        print(json.dumps(document))
    else:
        for problem in problems:
            print(problem, file=sys.stderr)
        for outcome in failed:
            print("\n".join(_outcome_lines(outcome)))
        print(f"{len(outcomes) - len(failed)} of {len(outcomes)} scenarios came as expected")
    return _WRONG if problems else _DIFFERS if failed else 0


def _names_series(path: Path) -> bool:
    try:
        return path.exists() and names_series(read_text(path))
    except (OSError, ValueError):
        return False


def _read(files: Sequence[Path]) -> tuple[list[Scenario], tuple[Problem, ...]]:
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for file in files:
        try:
            text = read_text(file)
        except (OSError, ValueError) as error:
            problems.append(Problem(str(file), None, "", unreadable(error, "a TOML file")))
            continue
        found, wrong = read_scenarios(text, str(file))
        scenarios += found
        problems += wrong
    return scenarios, tuple(problems)


def _told(problems: Sequence[Problem], file: str) -> bool:
    """Print the problems and how many they are; whether there are any."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{file}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
    return bool(problems)


def _lines(book: RuleBook) -> list[str]:
    if not book.rules:
        return ["no rules"]
    widest = max(len(rule.name) for rule in book.rules)
    found: list[str] = []
    entity = ""
    for rule in sorted(book.rules, key=lambda rule: list(Entity).index(rule.entity)):
        if rule.entity.value != entity:
            entity = rule.entity.value
            found += ["", entity.upper()] if found else [entity.upper()]
        wait = f"for {duration_text(rule.for_s)}" if rule.for_s else ""
        kind = "ahead" if rule.is_predictive else ""
        found.append(f"  {rule.name:<{widest}}  {rule.level.word:<6}  {kind:<5}  {wait:<9}  {rule.when.text}".rstrip())
    found += ["", f"turned off: {', '.join(book.disabled)}"] if book.disabled else []
    return found


def _document(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "entity": FOREIGN if rule.is_foreign else rule.entity.value,
        "severity": rule.level.word,
        "when": rule.when.text,
        "clear": rule.clear.text if rule.clear else None,
        "for_s": rule.for_s,
        "keep_for_s": rule.keep_for_s,
        "clears": "acknowledged" if rule.is_latched else "itself",
        "is_predictive": rule.is_predictive,
        "horizon_s": rule.horizon_s or None,
        "summary": rule.summary.text,
        "labels": {name: template.text for name, template in rule.labels},
        "runbook": rule.runbook or None,
        "action": rule.action or None,
        "reaction": rule.reaction.value,
        "about": rule.about,
        "origin": rule.origin,
    }


def _outcome_lines(outcome: Outcome) -> list[str]:
    found = [f"{outcome.scenario.where}: {outcome.scenario.name}"]
    found += [f"    {trouble}" for trouble in outcome.troubles]
    for difference in outcome.differences:
        found.append(f"  at {duration_text(difference.at_s)}:")
        found += [f"    - expected  {words}" for words in difference.missing]
        found += [f"    + got       {words}" for words in difference.surplus]
    return found


def _outcome_document(outcome: Outcome) -> dict[str, object]:
    def document(difference: Difference) -> dict[str, object]:
        return {"at_s": difference.at_s, "missing": difference.missing, "surplus": difference.surplus}

    return {
        "name": outcome.scenario.name,
        "where": outcome.scenario.where,
        "is_well": outcome.is_well,
        "differences": [document(difference) for difference in outcome.differences],
        "troubles": list(outcome.troubles),
    }
