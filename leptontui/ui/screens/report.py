"""The shift's report: shown as it would be pasted, copied through the terminal, or written to a file."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from leptontui.errors import LeptonError
from leptontui.model.text import plain
from leptontui.ports import AlertPort, CommandPort, SnapshotSource
from leptontui.render.cells import Piece
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.paged import PagedScreen
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.header import Header
from leptontui.ui.widgets.said import SaidLine

_LOG = logging.getLogger(__name__)
_SPANS: Final = ((12, "12 hours"), (24, "24 hours"), (168, "week"), (8, "8 hours"))
_HOUR_S: Final = 3600.0
_LONGEST_LINE: Final = 2000


class ReportScreen(PagedScreen[FleetSnapshot]):
    """Asks for the report and shows it.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        alerts: writes the report.
        clock: tells the time in unix seconds.
        directory: where a file is written; None for the current directory.
    """

    CSS_PATH = "../styles/listing.tcss"
    AUTO_FOCUS = "#sheet-body"

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        alerts: AlertPort,
        *,
        clock: Callable[[], float] = time.time,
        directory: Path | None = None,
    ) -> None:
        super().__init__(source, commands, alerts=alerts, clock=clock)
        self._port = alerts
        self._directory = directory
        self._span = 0
        self._text: str | None = None
        self._failure = ""
        self.bind_keys(Scope.REPORT)

    def compose(self) -> ComposeResult:
        """Header, what it is about, the text, keys."""
        yield Header()
        yield SaidLine(id="list-note")
        with VerticalScroll(id="sheet-body"):
            yield Static(id="report-text", markup=False)
        yield CommandFooter(Scope.REPORT, self.powers)

    def on_mount(self) -> None:
        """Ask at once."""
        super().on_mount()
        self._ask()

    def making(self) -> Callable[[FleetSnapshot], FleetSnapshot]:
        """The header tells of the snapshot; the report comes from the port."""
        return lambda snapshot: snapshot

    def draw(self) -> None:
        """Header, note, keys; the text is drawn when it comes."""
        self.query_one(Header).show(self.header_facts("report"))
        words = f" the last {_SPANS[self._span][1]}"
        note = "" if self._text is not None else "   being written …"
        if self._failure:
            note = f"   ✖ {self._failure}"
        self.query_one("#list-note", SaidLine).show(
            (Piece(words, is_bold=True), Piece(note, "critical" if self._failure else "dim"))
        )
        idle = {"answer"} if self._text else {"answer", "copy", "write"}
        self.query_one(CommandFooter).show_commands(without=idle)

    def action_span_next(self) -> None:
        """Report on another span."""
        self._span = (self._span + 1) % len(_SPANS)
        self._ask()

    def action_copy(self) -> None:
        """Copy it, through the terminal."""
        if self._text:
            self.app.copy_to_clipboard(self._text)
            self.notify("copied, if your terminal takes OSC 52 (tmux: set -g set-clipboard on)", markup=False)

    def action_write(self) -> None:
        """Write it to a new file that only its owner reads."""
        if not self._text:
            return
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.clock()))
        path = (self._directory or Path.cwd()) / f"leptontui-report-{stamp}.md"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(self._text)
        except OSError as error:
            words = f"{path} cannot be written: {error.strerror or error}"
            self.notify(plain(words, 300), severity="error", markup=False)
        else:
            self.notify(plain(f"written to {path}", 300), markup=False)

    def action_leave(self) -> None:
        """Back to where we came from."""
        self.dismiss()

    def _ask(self) -> None:
        self._text, self._failure = None, ""
        self.draw()
        self.run_worker(self._fetch(_SPANS[self._span][0]), group="report", exclusive=True, exit_on_error=False)

    async def _fetch(self, hours: int) -> None:
        try:
            text = await self._port.report(self.clock() - hours * _HOUR_S)
        except LeptonError as error:
            self._failure = plain(str(error), 300)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("writing the report failed")
            self._failure = plain(f"writing it went wrong: {type(error).__name__}: {error}", 300)
        else:
            self._text = "\n".join(_line(line) for line in text.splitlines()) + "\n"
        if self.is_running:
            self.query_one("#report-text", Static).update(Text(self._text or ""))
            self.draw()


def _line(line: str) -> str:
    """A line of Markdown fit for a terminal; its indent means something."""
    text = line.lstrip(" ")
    return " " * (len(line) - len(text)) + plain(text, _LONGEST_LINE)
