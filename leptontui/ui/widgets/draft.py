"""What a dialog shows of something that would be done, and what confirms it."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.action import Danger, Standing
from leptontui.ui.widgets.plan_rows import SheetRow


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be done, as the dialog shows it.

    Attributes:
        title: one line.
        danger: what is at stake.
        rows: what there is to read.
        expected: what has to be typed; "" where one key is enough.
        subject: what that is, in words: "the host name".
        standing: what the guard would refuse it for.
        plan_id: whose lines are listened to while it runs; "" for none.
        running: what is shown while it runs, above what it says.
    """

    title: str
    danger: Danger
    rows: tuple[SheetRow, ...]
    expected: str = ""
    subject: str = "the host name"
    standing: tuple[Standing, ...] = ()
    plan_id: str = ""
    running: tuple[SheetRow, ...] = ()
