"""The user's own verdicts, taken to the engine; what is wrong with them is told on the screen."""

from __future__ import annotations

import logging

from leptontui.config.verdicts import default_verdicts, read_verdicts
from leptontui.engine.engine import Engine

_LOG = logging.getLogger(__name__)


def overrule(engine: Engine) -> None:
    """Judge Xids and other signals as `~/.config/leptontui/verdicts.toml` says, as far as it can be understood."""
    path = default_verdicts()
    if path is None:
        return
    engine.overrides, problems = read_verdicts(path)
    if not problems:
        return
    _LOG.warning("verdicts: %s", "; ".join(map(str, problems)))
    more = f" (and {len(problems) - 1} more; leptontui config check tells all)" if len(problems) > 1 else ""
    engine.notify("verdicts", f"not all of your verdicts are used: {problems[0]}{more}")
