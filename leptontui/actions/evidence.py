"""Evidence of a host, captured before what destroys it: many questions at once, one archive on this machine.

What cannot be had is said and does not stop the rest: a host whose driver hangs is the very one to be captured.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from leptontui.actions.evidence_archive import Content, Json, Written, default_folder, write_archive
from leptontui.actions.evidence_asking import Answer, Inquiry
from leptontui.actions.evidence_masking import masked_lines
from leptontui.actions.evidence_parts import Part, parts_of, parts_of_kubernetes, parts_of_slurm
from leptontui.actions.kubectl import kubectl_at
from leptontui.actions.reach import Reach
from leptontui.actions.schedulers import stand_of
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action_spec import Where
from leptontui.model.text import plain

EVIDENCE_WORDS: Final = "kernel log, nvidia-smi -q, ECC, serials, topology, jobs and the units' journal, kept here"
"""What a plan says of it."""

LIMIT_S: Final = 60.0
"""A person waits for it: what is not there by then is missing."""

TOTAL_LIMIT: Final = 64 << 20
"""Bytes of an archive before it is compressed."""

_AT_ONCE: Final = 4
"""Questions to a host at one time: sshd lets 10 be asked over a connection (MaxSessions), and others ask as well."""

_SHOWN_MISSING: Final = 4
_NOT_IN_A_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """An archive of what a host said.

    Attributes:
        path: where it is, on this machine.
        sha256: of the archive, in hex.
        size_bytes: of the archive.
        parts: what is in it, by name.
        missing: (name, why) of what could not be had, one line each.
        is_empty: whether nothing of the host itself is in it.
    """

    path: Path
    sha256: str
    size_bytes: int
    parts: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    is_empty: bool = False

    @property
    def words(self) -> str:
        """One line for people: what is in it, where it is, and what is missing."""
        total = len(self.parts) + len(self.missing)
        text = (
            f"{len(self.parts)} of {total} parts in {self.path} ({_size(self.size_bytes)}, sha256 {self.sha256[:12]}…)"
        )
        if not self.missing:
            return text
        shown = "; ".join(f"{name} ({plain(why, 80)})" for name, why in self.missing[:_SHOWN_MISSING])
        more = len(self.missing) - _SHOWN_MISSING
        return f"{text}; missing: {shown}" + (f" and {more} more" if more > 0 else "")


@dataclass(slots=True)
class _Collected:
    """What was asked so far, part by part.

    Attributes:
        answers: (the part's number among those of its place, the part, its answer).
        missing: (name, why).
    """

    answers: list[tuple[int, Part, Answer]] = field(default_factory=list)
    missing: list[tuple[str, str]] = field(default_factory=list)

    @property
    def in_order(self) -> list[tuple[Part, Answer]]:
        """The scheduler's first, which are small, then the host's, the most important first."""
        ordered = sorted(self.answers, key=lambda entry: (entry[1].where is Where.HOST, entry[0]))
        return [(part, answer) for _, part, answer in ordered]


async def capture(setting: Setting, folder: Path | None = None, *, limit_s: float = LIMIT_S) -> Evidence:
    """Ask the host, and its scheduler, all that evidence consists of, and write it into one archive.

    Never raises for what a host does or does not: that is missing, and said.

    Args:
        setting: of the action; of it are used target, fleet, user, plan_id, clock, tell, reach_of and evidence_in.
        folder: where the archive goes; None means where the setting says.
        limit_s: how long all the questions may take together.

    Raises:
        EvidenceError: the archive cannot be written here.
    """
    begun_unix_s = setting.clock()
    collected = _Collected()
    await _collect(setting, collected, limit_s)
    answers = collected.in_order
    name = _name_of(setting, begun_unix_s)
    place = folder or setting.evidence_in or default_folder()
    contents, cut = await asyncio.to_thread(_contents, answers)
    missing = [*collected.missing, *cut]
    about = _about(setting, begun_unix_s, missing)
    written = await asyncio.shield(asyncio.to_thread(write_archive, place, name, contents, about))
    evidence = _evidence(written, contents, answers, missing)
    setting.tell(f"evidence: {evidence.words}")
    return evidence


async def _collect(setting: Setting, collected: _Collected, limit_s: float) -> None:
    """Ask both places at once until all is answered or the time is up."""
    places = {"host": _of_the_host, "scheduler": _of_the_scheduler}
    tasks = {name: asyncio.ensure_future(ask(setting, collected)) for name, ask in places.items()}
    try:
        await asyncio.wait(tasks.values(), timeout=limit_s)
    finally:
        for task in tasks.values():
            task.cancel()
        ended = await asyncio.gather(*tasks.values(), return_exceptions=True)
    for name, outcome in zip(tasks, ended, strict=True):
        if isinstance(outcome, LinkError | CommandTimeout | ActionError):
            collected.missing.append((name, outcome.cause))
        elif isinstance(outcome, asyncio.CancelledError):
            collected.missing.append((name, f"not all of it was there after {limit_s:g} s"))
        elif isinstance(outcome, BaseException):
            raise outcome


async def _of_the_host(setting: Setting, collected: _Collected) -> None:
    await _ask_all(await setting.host(), parts_of(setting.target), collected, setting)


async def _of_the_scheduler(setting: Setting, collected: _Collected) -> None:
    if setting.target.scheduler is None:
        return
    stand = await stand_of(setting.fleet, setting.target, setting.reach_of)
    controller = await setting.controller()
    if setting.target.scheduler == "slurm":
        parts = parts_of_slurm(stand.node)
    else:
        kubectl = await kubectl_at(controller, setting.target)
        parts = parts_of_kubernetes(stand.node, kubectl.argv())
    await _ask_all(controller, parts, collected, setting)


async def _ask_all(reach: Reach, parts: tuple[Part, ...], collected: _Collected, setting: Setting) -> None:
    """Ask for all parts, a few at a time; those that are not answered when this is cancelled are missing."""
    inquiry, room = Inquiry(reach), asyncio.Semaphore(_AT_ONCE)
    waiting = {part.name: part for part in parts}

    async def ask(n: int, part: Part) -> None:
        async with room:
            answer = await inquiry.answer(part)
        del waiting[part.name]
        if answer.text is not None:
            collected.answers.append((n, part, answer))
        is_lacked = answer.text is None and part.may_be_absent and answer.is_absent
        if answer.text is None and not is_lacked:
            collected.missing.append((part.name, answer.why))
        words = f"not there ({answer.why})" if is_lacked else answer.words
        setting.tell(f"evidence: {part.name}: {words}")

    tasks = [asyncio.ensure_future(ask(n, part)) for n, part in enumerate(parts)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        collected.missing.extend(
            (part.name, "there was no time left") for part in waiting.values() if not part.may_be_absent
        )


def _contents(answers: list[tuple[Part, Answer]]) -> tuple[list[Content], list[tuple[str, str]]]:
    """The archive's files, masked, as far as there is room; and what was cut off for want of it."""
    contents: list[Content] = []
    cut: list[tuple[str, str]] = []
    left = TOTAL_LIMIT
    for part, answer in answers:
        text = masked_lines(answer.text or "")
        size = len(text.encode("utf-8", "replace"))
        if size > left:
            cut.append((part.name, "there was no room left in the archive"))
            continue
        left -= size
        told: dict[str, Json] = {
            "name": part.name,
            "host": answer.host,
            "argv": list(answer.argv),
            "exit_status": answer.exit_status,
            "seconds": round(answer.seconds, 2),
            "was_cut": answer.was_cut,
        }
        contents.append(Content(part.file, text, told))
    return contents, cut


def _about(setting: Setting, begun_unix_s: float, missing: list[tuple[str, str]]) -> dict[str, Json]:
    return {
        "host": setting.target.name,
        "group": setting.target.group,
        "user": setting.user,
        "action": str(setting.request.action),
        "plan_id": setting.plan_id,
        "begun": _time(begun_unix_s, "%Y-%m-%dT%H:%M:%SZ"),
        "ended": _time(setting.clock(), "%Y-%m-%dT%H:%M:%SZ"),
        "missing": [{"name": name, "why": plain(why, 300)} for name, why in missing],
    }


def _evidence(
    written: Written, contents: list[Content], answers: list[tuple[Part, Answer]], missing: list[tuple[str, str]]
) -> Evidence:
    kept = {content.file for content in contents}
    inside = [part for part, _ in answers if part.file in kept]
    return Evidence(
        written.path,
        written.sha256,
        written.size_bytes,
        tuple(part.name for part in inside),
        tuple((name, plain(why, 200)) for name, why in missing),
        is_empty=not any(part.where is Where.HOST for part in inside),
    )


def _name_of(setting: Setting, t_unix_s: float) -> str:
    host = _NOT_IN_A_NAME.sub("-", setting.target.name).strip("-.")[:80] or "host"
    return f"{host}-{_time(t_unix_s, '%Y%m%dT%H%M%SZ')}-{_NOT_IN_A_NAME.sub('-', setting.plan_id)[:16]}"


def _time(t_unix_s: float, form: str) -> str:
    return datetime.fromtimestamp(t_unix_s, UTC).strftime(form)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"  # noqa: PLR2004
