"""The jobs: what the fleet works on, each job with its GPUs on all hosts, the one that is worst off first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from leptontui.model.health import Severity
from leptontui.ports import AccessPort, CommandPort, SnapshotSource
from leptontui.render import numbers
from leptontui.render.cells import Piece, fit, spread
from leptontui.render.palette import role_of
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.listing import ListScreen, wrapped
from leptontui.view.job_rows import JobKind, JobPage, JobRow, JobSort

if TYPE_CHECKING:
    from leptontui.ui.widgets.row_list import Heading

_SORTS: Final = tuple(JobSort)
_ROOMY: Final = 100
_KINDS: Final = {JobKind.JOB: "", JobKind.POD: "pod ", JobKind.CONTAINER: "container ", JobKind.USER: "user "}


class JobsScreen(ListScreen[JobPage, JobRow]):
    """Lists the jobs; enter shows the GPUs of one.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        show: called with the fleet's filter for the GPUs of the chosen job.
        access: the way to let hosts be reached.
        clock: tells the time in unix seconds.
    """

    SCOPE: ClassVar[Scope] = Scope.JOBS
    PLACE: ClassVar[str] = "jobs"

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        show: Callable[[str], None],
        *,
        access: AccessPort | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, clock=clock)
        self._show_gpus = show
        self._sort = JobSort.WORST
        self.bind_keys(Scope.JOBS)

    def making(self) -> Callable[[FleetSnapshot], JobPage]:
        """The jobs in the order asked for."""
        return partial(_page, sort=self._sort)

    def key_of(self, row: JobRow) -> Hashable:
        """Its kind and name."""
        return row.key

    def items(self) -> Sequence[JobRow | Heading]:
        """All that are listed."""
        return self.page.rows if self.page is not None else ()

    def note(self) -> Sequence[Piece]:
        """How many there are, and the order."""
        page = self.page
        if page is None:
            return ()
        left = [
            Piece(f" {page.total}"),
            Piece(f" job{'' if page.total == 1 else 's'}   ", "dim"),
            Piece(f"{page.gpus_used}"),
            Piece(f" of {page.gpus_total} GPUs in use", "dim"),
        ]
        if page.total > len(page.rows):
            left.append(Piece(f"   the first {len(page.rows)} are listed", "dim"))
        return spread(left, (Piece("sort: ", "dim"), Piece(f"{self._sort.value} ")), self.size.width)

    def titles(self, width: int) -> Sequence[Piece]:
        """The columns' names and units."""
        widths = _widths(width, self.items())
        return [
            piece
            for name, title, is_left in _COLUMNS
            if (room := widths.get(name))
            for piece in (self._title(name, title, room, is_left=is_left), Piece(" "))
        ]

    def _title(self, name: str, title: str, room: int, *, is_left: bool) -> Piece:
        if _SORTED[self._sort] != name:
            return Piece(fit(title, room, is_left=is_left), "dim")
        arrow = "▲" if self._sort in {JobSort.NAME, JobSort.LEAST} else "▼"
        return Piece(
            fit(f"{title} {arrow}" if len(title) + 2 <= room else title[: room - 1] + arrow, room, is_left=is_left),
            "accent",
        )

    def cells_of(self, row: JobRow, width: int) -> Sequence[Piece]:
        """A job in a line."""
        widths = _widths(width, self.items())
        used = "–" if row.memory_used_bytes is None else numbers.gib(row.memory_used_bytes)
        texts = {
            "job": _KINDS[row.kind] + row.name,
            "user": ", ".join(row.users) or numbers.NULL,
            "gpus": str(row.gpus),
            "hosts": str(row.hosts_total),
            "util": numbers.percent(row.util_pct),
            "min": numbers.percent(row.util_min_pct),
            "memory": used,
            "power": numbers.three(None if row.power_w is None else row.power_w / 1000),
        }
        pieces: list[Piece] = []
        for name, _, is_left in _COLUMNS:
            if name == "health":
                pieces += _health(row)
            elif room := widths.get(name):
                text = texts[name]
                pieces += [Piece(fit(text, room, is_left=is_left), "dim" if text == numbers.NULL else "text")]
                pieces.append(Piece(" "))
        return pieces

    def about(self, row: JobRow, width: int) -> Sequence[Sequence[Piece]]:
        """Where it runs, and what is wrong there."""
        rest = row.hosts_total - len(row.hosts)
        where = "  ".join(row.hosts) + (f"  and {rest} more" if rest > 0 else "")
        blind = f"  ◌ nothing fresh is known of {row.hosts_blind}" if row.hosts_blind else ""
        head = (Piece(f" {_KINDS[row.kind]}{row.name}  ", is_bold=True), Piece(f"on {where}", "dim"), Piece(blind))
        return [head, *(wrapped(f"{row.severity.glyph} {row.finding}", width, role_of(row.severity), lines=2))]

    def nothing(self) -> str:
        """Why no job is listed."""
        return (
            "No process uses a GPU, as far as hosts tell.\n\nJobs are found by the GPUs' processes: their Slurm job, "
            "pod, container or user."
        )

    def idle(self) -> Collection[str]:
        """Without a row there is nothing to show."""
        return () if self.chosen is not None else ("show_gpus",)

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._sort_by(1)

    def action_sort_previous(self) -> None:
        """Sort by the previous column."""
        self._sort_by(-1)

    def _sort_by(self, step: int) -> None:
        self._sort = _SORTS[(_SORTS.index(self._sort) + step) % len(_SORTS)]
        self.again()
        self.draw()

    def action_show_gpus(self) -> None:
        """Show the GPUs of the chosen job."""
        if (row := self.chosen) is not None:
            self._show_gpus(row.filter)
            self.dismiss()

    def on_row_list_opened(self) -> None:
        """A double click shows them too."""
        self.action_show_gpus()


_COLUMNS: Final = (
    ("job", "job", True),
    ("user", "user", True),
    ("gpus", "gpus", False),
    ("hosts", "hosts", False),
    ("util", "util %", False),
    ("min", "min %", False),
    ("memory", "mem GiB", False),
    ("power", "kW", False),
    ("health", "health", True),
)
_SORTED: Final = {
    JobSort.WORST: "health",
    JobSort.GPUS: "gpus",
    JobSort.UTIL: "util",
    JobSort.LEAST: "min",
    JobSort.MEMORY: "memory",
    JobSort.POWER: "power",
    JobSort.NAME: "job",
}


def _widths(width: int, rows: Sequence[object]) -> dict[str, int]:
    """Cells of each column; the finding takes what is left."""
    jobs = [row for row in rows if isinstance(row, JobRow)]
    most = 32 if width >= _ROOMY else 14
    name = max((len(_KINDS[row.kind]) + len(row.name) for row in jobs), default=8)
    users = max((len(", ".join(row.users)) for row in jobs), default=4)
    widths = {"job": min(most, max(8, name)), "user": min(most // 2 + 1, max(5, users))}
    widths |= {"gpus": 5, "hosts": 5, "util": 6, "min": 6}
    if width >= _ROOMY:
        widths |= {"memory": 7, "power": 5}
    widths["health"] = max(6, width - sum(widths.values()) - len(widths))
    return widths


def _health(row: JobRow) -> tuple[Piece, ...]:
    role = role_of(row.severity)
    words = row.finding or (f"◌ {row.hosts_blind} not live" if row.hosts_blind else "")
    return (
        Piece(f"{row.severity.glyph} ", role),
        Piece(words, role if row.finding else "dim", row.severity is Severity.CRITICAL),
    )


def _page(snapshot: FleetSnapshot, sort: JobSort) -> JobPage:
    from leptontui.view.jobs import job_page  # noqa: PLC0415 — polars is loaded here, in the thread, not before

    return job_page(snapshot, sort)
