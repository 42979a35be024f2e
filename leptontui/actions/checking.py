"""Unknown, checking: after a command whose end is not known its host is asked until it answers; none is run again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from leptontui.actions.reach import Deed, Verdict
from leptontui.actions.setting import Sleep, Tell
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import OutcomeKind
from leptontui.model.text import plain

_DELAYS_S: Final = (1.0, 2.0, 4.0, 8.0)
_DELAY_S: Final = 15.0
"""Between two questions to a host that does not answer: what is not back soon takes a while."""

_LOOKS_S: Final = (2.0, 5.0, 10.0)
"""After these it is asked again where the host says "not so": the command may still be at work over there."""


async def answer_of(deed: Deed, tell: Tell, sleep: Sleep, clock: Callable[[], float]) -> Verdict:
    """What the host says of the deed, asked for until it answers or `deed.patience_s` is over.

    Raises:
        LinkError: it never answered; the last word of the link.
        CommandTimeout: likewise.
        ActionError: its answer makes no sense.
    """
    began, waited_s = clock(), 0.0
    for delay_s in _delays():
        try:
            return await deed.verify()
        except (LinkError, CommandTimeout) as error:
            # What was slept counts as well as the clock, which may be set meanwhile.
            if max(clock() - began, waited_s) + delay_s > deed.patience_s:
                raise
            tell(plain(f"unknown, checking: no answer ({error.cause}); asked again in {delay_s:g} s", 300))
        await sleep(delay_s)
        waited_s += delay_s
    raise AssertionError("the delays do not end")


async def checked(
    deed: Deed, what: str, tell: Tell, sleep: Sleep, clock: Callable[[], float]
) -> tuple[OutcomeKind, str]:
    """After a command whose end is not known: it is verified only if the host says that it is so.

    "It is not so" is asked for a few times more, and stays unknown: the command may still be under way over there.

    Args:
        deed: what is asked.
        what: what happened, for the summary.
        tell: says a line to whoever watches.
        sleep: waits for seconds.
        clock: unix seconds.
    """
    tell(plain(f"unknown, checking: {what}", 300))

    async def ask() -> Verdict:
        try:
            return await answer_of(deed, tell, sleep, clock)
        except ActionError as error:  # a host that is just back may answer nonsense for a moment
            return Verdict(is_so=False, said=error.cause)

    try:
        verdict = await ask()
        for delay_s in _LOOKS_S:
            if verdict.is_so:
                break
            tell(plain(f"unknown, checking: {verdict.said}; asked again in {delay_s:g} s", 300))
            await sleep(delay_s)
            verdict = await ask()
    except (LinkError, CommandTimeout) as error:
        return OutcomeKind.UNKNOWN, f"{what}; it could not be asked again: {error.cause}"
    kind = OutcomeKind.VERIFIED if verdict.is_so else OutcomeKind.UNKNOWN
    return kind, f"{what}; asked again: {verdict.said}"


def _delays() -> Iterator[float]:
    yield from _DELAYS_S
    while True:
        yield _DELAY_S
