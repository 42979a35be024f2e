"""What a source of hosts answered, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leptontui.config.found import Found
from leptontui.config.problem import Problem
from leptontui.errors import LeptonError
from leptontui.inventory.looking import Stamp


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source said.

    Attributes:
        found: its hosts, and notes on what was left out.
        seen: the files it was read from, as they looked then.
        is_asked: whether a program was asked, so that it has to be asked again to know more.
    """

    found: Found
    seen: Mapping[str, Stamp] = field(default_factory=dict)
    is_asked: bool = False


class NotAnswered(LeptonError):
    """A source cannot be read or asked, or what it says is not understood.

    Attributes:
        problems: the same as problems of files; empty where no file is to blame.
        seen: the files that were read, as they looked then: once they change it is read again.
    """

    def __init__(
        self,
        cause: str,
        mend: str = "",
        *,
        problems: Sequence[Problem] = (),
        seen: Mapping[str, Stamp] | None = None,
    ) -> None:
        super().__init__(cause, mend)
        self.problems = tuple(problems)
        self.seen = dict(seen or {})


def refused(problems: Sequence[Problem], look_seen: Mapping[str, Stamp]) -> NotAnswered:
    """The failure that these problems of files amount to."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return NotAnswered(f"{problems[0]}{more}", problems=problems, seen=look_seen)
