"""`leptontui notify`: every problem of the notifiers' file, and a test message that says what became of it."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from leptontui.alerts.notify.alertmanager_way import AlertmanagerWay
from leptontui.alerts.notify.apprise_way import AppriseWay
from leptontui.alerts.notify.duties import tell_by
from leptontui.alerts.notify.file import default_notify_path, examine_notifiers
from leptontui.alerts.notify.message import Message, News, Part
from leptontui.alerts.notify.mirror import Mirror, payload, reflect, to_send
from leptontui.alerts.notify.spec import NotifierSpec, Policy, Way
from leptontui.config.problem import Problem, config_error, did_you_mean, quoted
from leptontui.errors import ConfigError
from leptontui.model.alert import Alert, AlertGroup, AlertState, Level, Subject
from leptontui.model.series import Entity

SCHEMA: Final = 1
_WRONG: Final = 3
_NO_FILE: Final = "write it, then chmod 600: the README's section on notifiers shows one"


def check_notifiers(file: Path | None, *, as_json: bool) -> int:
    """Print every problem of the notifiers' file, those that only apprise can tell included. Sends nothing.

    Args:
        file: which; None for the one that is used.
        as_json: print one JSON document instead of lines.

    Returns:
        0 if there is none, else 3.

    Raises:
        ConfigError: there is no such file.
    """
    path = _existing(file)
    specs, problems = examine_notifiers(path)
    for spec in specs:
        if spec.way is Way.APPRISE and (trouble := AppriseWay(spec.address).trouble()):
            _, _, line = spec.where.rpartition(":")
            number = int(line) if line.isdigit() else None
            problems.append(Problem(str(path), number, f"notifier {spec.name}: url", trouble))
    if as_json:
        document = {
            "schema": SCHEMA,
            "file": str(path),
            "is_well": not problems,
            "problems": [asdict(problem) for problem in problems],
            "notifiers": [{"name": spec.name, "way": spec.way.value} for spec in specs],
        }
        print(json.dumps(document))
        return _WRONG if problems else 0
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{path}: {len(problems)} problem{'s' if len(problems) > 1 else ''}", file=sys.stderr)
        return _WRONG
    for spec in specs:
        print(f"{spec.name}: {spec.way.value}, {_wanted(spec.policy)}")
    print(f"{path}: well; {len(specs)} notifier{'' if len(specs) == 1 else 's'}")
    return 0


def try_notifier(name: str, file: Path | None) -> int:
    """Send one test message to every address of a notifier and print what became of it.

    Args:
        name: the notifier's.
        file: see `check_notifiers`.

    Returns:
        0 if all arrived, else 3.

    Raises:
        ConfigError: there is no such file or notifier, or its entry is wrong.
    """
    path = _existing(file)
    specs, problems = examine_notifiers(path)
    chosen = [spec for spec in specs if spec.name == name or spec.name.startswith(f"{name} (")]
    if not chosen:
        if problems:
            raise config_error(problems)
        names = sorted(spec.name for spec in specs)
        expected = "one of " + ", ".join(names) if names else ""
        raise config_error(
            [Problem(str(path), None, quoted(name), "no such notifier", expected, did_you_mean(name, names))]
        )
    is_well = True
    for spec in chosen:
        trouble = _send(spec, time.time())
        print(f"{spec.name}: {trouble or 'it took the message'}", file=sys.stderr if trouble else sys.stdout)
        is_well = is_well and not trouble
    return 0 if is_well else _WRONG


def _send(spec: NotifierSpec, now: float) -> str:
    level = max(spec.policy.levels)
    alert = Alert(
        id="leptontui-test",
        rule="leptontui-test",
        level=level,
        is_predictive=False,
        subject=Subject(Entity.HOST, ""),
        labels=(("rule", "leptontui-test"),),
        summary="This is a test of leptontui's notifiers; nothing is wrong",
        state=AlertState.FIRING,
        since_unix_s=now,
        fired_unix_s=now,
        evidence=("Somebody ran: leptontui notify test",),
    )
    if spec.way is Way.ALERTMANAGER:
        group = AlertGroup(alert.id, alert.summary, "", level, (alert,), now)
        wanted = replace(spec.policy, matchers=(), levels=frozenset(Level))
        mirror, seen = reflect(wanted, Mirror(), (group,), (), now)
        posted = [payload(entry, seen[entry.id], now, "test") for entry in to_send(mirror, now)]
        return AlertmanagerWay(spec.address, spec.login).post(posted)
    message = Message((Part("test", News.FIRING, f"Test: {alert.summary}", new=(alert,)),), now)
    return tell_by(spec, "test")(message)


def _wanted(policy: Policy) -> str:
    levels = ", ".join(f"{level.word}s" for level in sorted(policy.levels, reverse=True))
    count = len(policy.matchers)
    conditions = f" with {count} condition{'s' if count > 1 else ''} on labels" if count else ""
    return f"{levels}{conditions}"


def _existing(file: Path | None) -> Path:
    path = file or default_notify_path()
    if not path.exists():
        raise ConfigError([f"{path}: there is no such file"], _NO_FILE)
    return path
