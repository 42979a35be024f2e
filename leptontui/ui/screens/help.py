"""The help screen: keys from the registry, what the signs mean, the filter language, the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from leptontui.model.catalogue import metrics_of
from leptontui.model.health import Severity
from leptontui.model.series import Entity
from leptontui.render.palette import Palette, role_of
from leptontui.render.standing import LINK_GLYPHS, LINK_ROLES
from leptontui.ui.commands import Scope, commands_of
from leptontui.ui.themes import palette_of
from leptontui.ui.widgets.footer import key_names
from leptontui.view.query import FIELDS

_SEVERITIES: Final = {
    Severity.CRITICAL: "critical: somebody has to do something now",
    Severity.PREDICTED: "predicted: well now, a forecast crosses a threshold; the time is a range",
    Severity.WARNING: "warning: not as it should be",
    Severity.UNKNOWN: "unknown: nothing fresh is known",
    Severity.WELL: "well",
}
_LINKS: Final = {
    "live": "sweeps arrive",
    "stale": "connected, but no sweep for three intervals",
    "lost": "the connection is gone or cannot be made; redialled by itself",
    "refused": "the host or this program said no; a human has to mend it",
    "dialing": "not connected yet",
}
_SIGNS: Final = (
    ("▃▄▆▇ ▇█", "a trend: the last quarter of an hour, then the next one as forecast, on a physical scale"),
    ("◆", "in a trend: where the forecast crosses a threshold"),
    ("–", "not known; a blank in a trend was not sampled"),
    ("dim", "old: the host is not live; its age stands beside it"),
)
_FILTERS: Final = (
    ("word", "part of a host, GPU model, job, user, group, link or health text"),
    ("job:8812", "that job; also group: link: state: (equal), host: model: user: health: uuid: (part)"),
    ("host:gpu-0*", "with * and ?; a,b is either"),
    ("util<10", "also <= > >= =, for " + " ".join(name for name, field in FIELDS.items() if field.kind == "number")),
    ("mem>90%", "a share of the whole; without % in GiB (in host rows: the host's memory)"),
    ("sev>=warning", "a severity"),
    ("!word", "not; two terms must both hold"),
)
_CURSOR_KEYS: Final = (
    ("↑ ↓ k j", "Choose a row; the cursor stays on its GPU or host wherever that is sorted to."),
    ("home end G", "Choose the first or last row; page up and page down go by a screenful."),
    ("esc", "Show all rows again; then choose none, and keep the top in view."),
)
_ENTITIES: Final = (Entity.GPU, Entity.HOST)


class HelpScreen(ModalScreen[None]):
    """What the keys and signs mean.

    Args:
        can_act: whether keys that act are explained.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back"),
    ]

    def __init__(self, *, can_act: bool) -> None:
        super().__init__()
        self._can_act = can_act

    def compose(self) -> ComposeResult:
        """One long page that scrolls."""
        with VerticalScroll(id="help-body"):
            palette = palette_of(self.app)
            yield Static(Text("esc goes back", style=palette.style("dim")), markup=False)
            for title, table in self._sections(palette):
                yield Static(Text(f"\n{title}", style=palette.style("accent", is_bold=True)), markup=False)
                yield Static(table, markup=False)

    def _sections(self, palette: Palette) -> Iterator[tuple[str, Table]]:
        for scope in Scope:
            commands = list(commands_of(scope, can_act=self._can_act))
            if commands:
                rows = [(key_names(command), command.meaning, "accent") for command in commands]
                rows += [(key, words, "accent") for key, words in _CURSOR_KEYS] if scope is Scope.FLEET else []
                yield f"Keys: {scope.value}", _table(palette, rows)
        signs = [(severity.glyph, words, role_of(severity)) for severity, words in _SEVERITIES.items()]
        signs += [
            (LINK_GLYPHS[link], f"host {link.value}: {_LINKS[link.value]}", LINK_ROLES[link]) for link in LINK_GLYPHS
        ]
        signs += [(sign, words, "text") for sign, words in _SIGNS]
        yield "Signs", _table(palette, signs)
        yield "Filter", _table(palette, [(example, words, "accent") for example, words in _FILTERS])
        for entity in _ENTITIES:
            metrics = [
                (metric.title, metric.meaning + (f" [{metric.unit}]" if metric.unit else ""), "text")
                for metric in metrics_of(entity)
            ]
            yield (
                f"Metrics of a {entity.value.upper() if entity is Entity.GPU else entity.value}",
                _table(palette, metrics),
            )


def _table(palette: Palette, rows: list[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=16, no_wrap=True)
    table.add_column(ratio=1)
    for left, right, role in rows:
        table.add_row(Text(left, style=palette.style(role)), Text(right, style=palette.style("text")))
    return table
