"""This machine, read in this process: by the probe's own readers, or by psutil where it is not a Linux."""

from __future__ import annotations

import dataclasses
import platform
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil

from leptontui.model.target import HostTarget
from leptontui.probe import survey
from leptontui.sources.portable import portable_sections

_Values = dict[str, Any]

# The probe is not annotated, since it has to run under Python 3.6: what is used of it here is typed as what it is.
_Survey: Any = survey.Survey


def looked_after(target: HostTarget) -> _Values:
    """What is to be looked after on a host, as a probe is told it at its start."""
    return {
        "units": list(target.watched_units),
        "services": [dataclasses.asdict(service) for service in target.services],
        "scripts": [dataclasses.asdict(script) for script in target.scripts],
    }


class Machine:
    """This machine. Every method may block for a few seconds: call it in a thread.

    Args:
        config: as a probe is told it at its start; see `Survey`.
        gpus: makes what is asked of the GPUs out of (wake, listens); the probe's own but in tests.
        is_linux: whether there is a /proc to be read.
    """

    def __init__(
        self,
        config: _Values | None = None,
        *,
        gpus: Callable[..., Any] | None = None,
        is_linux: bool = sys.platform == "linux",
    ) -> None:
        self._bell = threading.Event()
        self._turn = threading.Lock()
        self._is_linux = is_linux
        self._process = None if is_linux else psutil.Process()
        sections = None if is_linux else portable_sections()
        self._survey = _Survey(config or {}, self._bell.set, self._wait, gpus=gpus, sections=sections)
        self._survey.start()

    def _wait(self, timeout_s: float) -> None:
        self._bell.wait(timeout_s)
        self._bell.clear()

    @property
    def version(self) -> object:
        """Changes when what `identity` says has changed."""
        return self._survey.version

    def events(self) -> list[_Values]:
        """What happened since the last call: the wire's `Event`s, as dicts, but for their version."""
        with self._turn:
            events: list[_Values] = self._survey.events()
        return events

    def identity(self) -> _Values:
        """The wire's `Hello` as a dict, but for its version, time, interval and probe."""
        values: _Values = self._survey.hello()
        if not self._is_linux:
            values.update(
                os=values.get("os") or platform.platform(),
                cpu_count=psutil.cpu_count(),
                memory_total_bytes=psutil.virtual_memory().total,
            )
        return {**values, "runtime": "python"}

    def sweep(self) -> _Values:
        """The wire's `Sweep` as a dict, but for its version and number."""
        started = time.monotonic()
        with self._turn:
            values: _Values = self._survey.sweep()
        if self._process is not None:
            values["probe"] = {
                "cpu_pct": self._process.cpu_percent(None),
                "rss_bytes": self._process.memory_info().rss,
                "sweep_s": time.monotonic() - started,
            }
        return values

    def close(self) -> None:
        """End what was started to read it, once the sweep that runs is done."""
        with self._turn:
            self._survey.close()
