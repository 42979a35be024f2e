"""Lets hosts be reached: answers what logins ask, and vouches for host keys that the user has seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from leptontui.engine.questions import Questions
from leptontui.model.link import Fault, FaultKind, Link, OfferedKey
from leptontui.ports import Trusted


class Accepted(Protocol):
    """What writing keys did; see `transport.acceptance.Accepted`."""

    @property
    def keys(self) -> int:
        """How many lines were written."""

    @property
    def files(self) -> tuple[str, ...]:
        """Into which files."""

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """Names in known_hosts whose key was not written, and why."""


class Access:
    """Implements `ports.AccessPort` on the engine's loop.

    Args:
        questions: what logins wait to be told.
        links: the link of every host as it is now, by name.
        accept: writes keys into the user's known_hosts.
        redial: dials a host now.
    """

    def __init__(
        self,
        questions: Questions,
        *,
        links: Callable[[], Mapping[str, Link]],
        accept: Callable[[Sequence[OfferedKey]], Awaitable[Accepted]],
        redial: Callable[[str], None],
    ) -> None:
        self._questions = questions
        self._links = links
        self._accept = accept
        self._redial = redial

    def answer(self, question_id: str, text: str | None) -> None:
        """See `ports.AccessPort.answer`."""
        self._questions.answer(question_id, text)

    async def trust(self, hosts: Sequence[str]) -> Trusted:
        """Write the unknown keys that these hosts' links show now, and dial every host that waits for one of them.

        Of several hosts behind one jump host the jump host's key is written once.

        Raises:
            LeptonError: a file cannot be written; nothing of that file was.
        """
        offered: dict[str, OfferedKey] = {}
        skipped: list[tuple[str, str]] = []
        for host in dict.fromkeys(hosts):
            link = self._links().get(host)
            fault = None if link is None else link.fault
            if fault is not None and fault.kind is FaultKind.HOST_KEY_UNKNOWN and fault.offered is not None:
                offered[host] = fault.offered
            else:
                skipped.append((host, _why_not(link, fault)))
        accepted = await self._accept(list(dict.fromkeys(offered.values())))
        refused = dict(accepted.skipped)
        skipped += [(host, refused[key.name]) for host, key in offered.items() if key.name in refused]
        written = {key for key in offered.values() if key.name not in refused}
        for host, link in self._links().items():
            if link.fault is not None and link.fault.offered in written:
                self._redial(host)
        return Trusted(accepted.keys, accepted.files, tuple(skipped))


def _why_not(link: Link | None, fault: Fault | None) -> str:
    if link is None:
        return "it is not of the fleet"
    if fault is not None and fault.kind is FaultKind.HOST_KEY_CHANGED:
        return "its key HAS CHANGED, which is never accepted here"
    if fault is not None and fault.kind is FaultKind.HOST_KEY_UNKNOWN:
        return "there is no known_hosts of yours that it could be written to"
    return "it offers no unknown key now"
