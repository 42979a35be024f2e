"""Which module prepares which action."""

from __future__ import annotations

from typing import Final

from leptontui.actions.restart import prepare_restart
from leptontui.actions.schedulers import prepare_drain, prepare_undrain
from leptontui.actions.setting import Prepare
from leptontui.model.action import ActionName

PREPARE: Final[dict[str, Prepare]] = {
    ActionName.RESTART_UNIT: prepare_restart,
    ActionName.DRAIN: prepare_drain,
    ActionName.UNDRAIN: prepare_undrain,
}
"""By the action's name; those of the user are prepared by `custom`."""
