"""The review of host keys: unknown ones with their fingerprints, to be accepted; changed ones, which are refused."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Hashable, Sequence
from itertools import groupby
from typing import ClassVar, Final

from leptontui.errors import LeptonError
from leptontui.model.text import plain
from leptontui.ports import AccessPort, CommandPort, SnapshotSource
from leptontui.render.cells import Piece, fit
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.listing import ListScreen, wrapped
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.row_list import Heading
from leptontui.view.key_review import KeyRow, key_rows

_LOG = logging.getLogger(__name__)
_ROOMY: Final = 110
_FINGERPRINT: Final = 51
"""Cells of "SHA256:" and 43 characters of base64, and one."""
_ASK_KEYS: Final = (("y", "accept"), ("esc", "do not"))


class KeysScreen(ListScreen[tuple[KeyRow, ...], KeyRow]):
    """Lists host keys that wait to be reviewed. Nothing is accepted that was not shown and asked about.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        access: the way to accept.
        clock: tells the time in unix seconds.
    """

    SCOPE: ClassVar[Scope] = Scope.KEYS
    PLACE: ClassVar[str] = "host keys"
    DETAIL_LINES: ClassVar[int] = 8
    """Two fingerprints, two paths and what to do fit into one line less at 80 columns."""

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        access: AccessPort,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, clock=clock)
        self._access = access
        self._marked: frozenset[Hashable] = frozenset()
        self._asked: tuple[KeyRow, ...] = ()
        self._is_writing = False
        self.bind_keys(Scope.KEYS)

    def making(self) -> Callable[[FleetSnapshot], tuple[KeyRow, ...]]:
        """Every key to be reviewed."""
        return key_rows

    def key_of(self, row: KeyRow) -> Hashable:
        """The key and whose it is: another key of the same host is another row."""
        return row.key

    def items(self) -> Sequence[KeyRow | Heading]:
        """By section: changed keys, bastions, then the groups."""
        items: list[KeyRow | Heading] = []
        for section, rows in groupby(self.page or (), key=lambda row: row.section):
            listed = list(rows)
            is_changed = listed[0].is_changed
            count = f"{len(listed)} key{'' if len(listed) == 1 else 's'}"
            text = f"✖ {section}, {count}: somebody else may answer" if is_changed else f"{section}, {count}"
            items += [Heading(text, "critical" if is_changed else "dim"), *listed]
        return items

    def note(self) -> Sequence[Piece]:
        """What can be accepted, and what is marked; while a question is asked, that."""
        rows = self.page or ()
        if self._asked:
            hosts = sum(len(row.hosts) for row in self._asked)
            what = f"the key of {self._asked[0].name}" if len(self._asked) == 1 else f"these {len(self._asked)} keys"
            files = ", ".join(dict.fromkeys(row.file for row in self._asked))
            words = f" ▲ Vouch for {what}? y writes to {files} and dials {hosts} host{'' if hosts == 1 else 's'}"
            return (Piece(words, "warning", is_bold=True),)
        refused = sum(row.is_changed for row in rows)
        pieces = [Piece(f" {len(rows) - refused}"), Piece(" unknown", "dim")]
        if refused:
            pieces.append(Piece(f"   ✖ {refused} changed, refused", "critical", is_bold=True))
        if marked := len(self._marked_rows()):
            pieces.append(Piece(f"   {marked} marked", "accent"))
        return (*pieces, Piece("   compare with the fingerprint told by who runs the host", "dim"))

    def titles(self, width: int) -> Sequence[Piece]:
        """The columns' names."""
        name, algorithm = self._widths(width)
        line = f"    {fit('host', name)} {fit('key', algorithm) + ' ' if algorithm else ''}"
        return (Piece(f"{line}{fit('fingerprint', _FINGERPRINT)} hosts that wait", "dim"),)

    def cells_of(self, row: KeyRow, width: int) -> Sequence[Piece]:
        """A key in a line."""
        name, algorithm = self._widths(width)
        if row.is_changed:
            sign = Piece("  ✖ ", "critical", is_bold=True)
            return (sign, Piece(f"{fit(row.name, name)} ", is_bold=True), Piece(row.cause, "critical"))
        is_marked = row.key in self._marked
        waiting = f"{len(row.hosts)} hosts" if len(row.hosts) > 1 else "" if row.name == row.hosts[0] else row.hosts[0]
        return (
            Piece("[x] " if is_marked else "[ ] ", "accent" if is_marked else "dim", is_marked),
            Piece(f"{fit(row.name, name)} "),
            Piece(f"{fit(row.algorithm, algorithm)} " if algorithm else "", "dim"),
            Piece(f"{fit(row.fingerprint, _FINGERPRINT)} "),
            Piece(plain(waiting, 60), "dim"),
        )

    def about(self, row: KeyRow, width: int) -> Sequence[Sequence[Piece]]:
        """Where it would be written; of a changed key why it is refused and what can be done."""
        if row.is_changed:
            words = f"✖ {row.name}: {row.cause}" + (f" — {row.mend}" if row.mend else "")
            return wrapped(words + ". It can not be accepted here.", width, "critical", lines=self.DETAIL_LINES)
        hosts = ", ".join(plain(host, 60) for host in row.hosts[:8])
        more = f" and {len(row.hosts) - 8} more" if len(row.hosts) > 8 else ""  # noqa: PLR2004 — told above
        head = (Piece(f" {row.name}  ", is_bold=True), Piece(f"{row.algorithm}  "), Piece(row.fingerprint, "accent"))
        text = f"dialled as {row.address or 'told by the inventory'}; waited for by {hosts}{more}; goes to {row.file}"
        return [head, *wrapped(text, width, "dim", lines=4)]

    def nothing(self) -> str:
        """Why no key is listed."""
        return (
            "No host key waits to be reviewed.\n\nA host whose key is in none of the known_hosts files is refused "
            "until somebody has compared its fingerprint and accepted it here."
        )

    def idle(self) -> Collection[str]:
        """What can do nothing: a changed key is not to be accepted."""
        row = self.chosen
        idle: set[str] = set()
        if self._is_writing or not (self._marked_rows() or (row is not None and not row.is_changed)):
            idle.add("accept")
        if row is None or row.is_changed:
            idle |= {"mark", "mark_group"}
        return idle

    def draw_chosen(self) -> None:
        """While a question is asked, its answers are the keys."""
        super().draw_chosen()
        if self._asked:
            self.query_one(CommandFooter).show_keys(_ASK_KEYS)

    def paged(self) -> None:
        """What is not offered any more can neither be marked nor asked about."""
        offered = {row.key for row in self.page or () if not row.is_changed}
        self._marked &= offered
        if any(row.key not in offered for row in self._asked):
            self._asked = ()
            self.notify("The keys have changed meanwhile: nothing was accepted.", severity="warning")
        super().paged()

    # Keys.

    def action_mark(self) -> None:
        """Mark the chosen key, or unmark it."""
        row = self.chosen
        if row is not None and not row.is_changed and not self._asked:
            self._marked ^= {row.key}
            self.rows.action_cursor(1)
            self.draw()

    def action_mark_group(self) -> None:
        """Mark all keys of the chosen one's section, or unmark them if all of them are."""
        row = self.chosen
        if row is None or row.is_changed or self._asked:
            return
        group = {other.key for other in self.page or () if other.section == row.section and not other.is_changed}
        self._marked = self._marked - group if group <= self._marked else self._marked | group
        self.draw()

    def action_accept(self) -> None:
        """Ask about what is marked, else about the chosen key."""
        row = self.chosen
        rows = self._marked_rows() or ((row,) if row is not None else ())
        if any(each.is_changed for each in rows):
            self.notify(
                "A changed key is not accepted here: find out who answers, then mend known_hosts by hand.",
                title="Refused",
                severity="error",
            )
        elif rows and not self._is_writing:
            self._asked = rows
            self.draw()

    def key_y(self) -> None:
        """Yes: write what was asked about."""
        if self._asked:
            asked, self._asked, self._is_writing = self._asked, (), True
            self.run_worker(self._trust(asked), group="trust", exit_on_error=False)
            self.draw()

    def action_leave(self) -> None:
        """Take the question back; then go back to the fleet."""
        if self._asked:
            self._asked = ()
            self.draw()
        else:
            self.dismiss()

    async def _trust(self, rows: tuple[KeyRow, ...]) -> None:
        hosts = [host for row in rows for host in row.hosts]
        try:
            done = await self._access.trust(hosts)
        except LeptonError as error:
            self.notify(plain(str(error)), title="Nothing was written", severity="error", markup=False)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("accepting host keys failed")
            self.notify(plain(f"accepting went wrong: {error}"), severity="error", markup=False)
        else:
            files = plain(", ".join(done.files))
            words = (
                f"{done.keys} key{'' if done.keys == 1 else 's'} written to {files}" if done.keys else "no key written"
            )
            self.notify(words, title="Host keys", markup=False)
            for host, why in done.skipped[:3]:
                self.notify(plain(f"{host}: {why}"), title="Not accepted", severity="warning", markup=False)
            self._marked -= {row.key for row in rows}
        self._is_writing = False
        if self.is_mounted:
            self.draw()

    def _marked_rows(self) -> tuple[KeyRow, ...]:
        return tuple(row for row in self.page or () if row.key in self._marked)

    def _widths(self, width: int) -> tuple[int, int]:
        """Cells for the name and, where there is room, for the algorithm."""
        longest = max((len(row.name) for row in self.page or ()), default=8)
        if width < _ROOMY:
            return min(max(8, longest), width - _FINGERPRINT - 8), 0
        return min(max(8, longest), 32), 19
