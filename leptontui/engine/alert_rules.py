"""The rules as the engine evaluates them, read again when the user's file changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leptontui.alerts.rules.book import load_rules
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.config.trust import others_who_may_write
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.reaction import AutoPolicy
from leptontui.model.text import plain

MOST_TROUBLES: Final = 10

Stamp = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """Rules, ready to be evaluated.

    Attributes:
        evaluator: evaluates them.
        policies: how the alerts of each live, by its name.
        auto: what the user allows to be done without a person.
        troubles: what is wrong with the user's file, in words.
    """

    evaluator: Evaluator
    policies: Mapping[str, RulePolicy]
    auto: AutoPolicy = field(default_factory=AutoPolicy)
    troubles: tuple[str, ...] = ()


class RuleFile:
    """The shipped rules with what the user's file makes of them. For one thread at a time.

    Args:
        path: the user's file; it may be None or absent.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stamp: Stamp | None = None
        self._is_read = False

    def changed(self) -> LoadedRules | None:
        """The rules, if they were not read yet or the file has changed since; else None. Blocks; never raises."""
        stamp = self._look()
        if self._is_read and stamp == self._stamp:
            return None
        self._stamp, self._is_read = stamp, True
        book = load_rules(self._path)
        told = [plain(str(problem), 300) for problem in book.problems]
        more = [f"and {len(told) - MOST_TROUBLES} more: leptontui rules check"] if len(told) > MOST_TROUBLES else []
        return LoadedRules(Evaluator(book.rules), book.policies, book.auto, (*told[:MOST_TROUBLES], *more))

    def _look(self) -> Stamp | None:
        try:
            if self._path is None:
                return None
            found = self._path.stat()
            return found.st_mtime_ns, found.st_size, found.st_ino, others_who_may_write(self._path)[0]
        except OSError:
            return None
