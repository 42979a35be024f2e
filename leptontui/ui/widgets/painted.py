"""A widget whose whole content is painted as lines of segments, and painted again only when something changed."""

from __future__ import annotations

from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from leptontui.render.canvas import Line
from leptontui.render.palette import Palette
from leptontui.ui.themes import palette_of


class Painted(Widget):
    """A widget as high as what it paints. Subclasses say what in `paint` and call `repaint` when it has changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 — Textual's word
        super().__init__(id=id, classes=classes)
        self._painted: list[Strip] = []
        self._painted_for: tuple[int, int, Palette] | None = None

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """The lines to show.

        Args:
            width: cells to fill.
            palette: the theme's colours.
        """
        raise NotImplementedError

    def repaint(self) -> None:
        """Paint again; the layout follows if the height has changed."""
        before = len(self._painted)
        self._painted_for = None
        is_taller = self.size.width > 0 and len(self._strips(self.size.width)) != before
        self.refresh(layout=is_taller)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 — Textual's
        """Rows needed at that width."""
        return len(self._strips(width))

    def render_line(self, y: int) -> Strip:
        """One row of what is painted."""
        strips = self._strips(self.size.width)
        if 0 <= y < len(strips):
            return strips[y]
        return Strip.blank(self.size.width, self.rich_style)

    def _strips(self, width: int) -> list[Strip]:
        palette = palette_of(self.app)
        key = (width, self.size.height, palette)
        if self._painted_for != key:
            lines = self.paint(width, palette)
            self._painted = [Strip(line).adjust_cell_length(width).apply_style(self.rich_style) for line in lines]
            self._painted_for = key
        return self._painted
