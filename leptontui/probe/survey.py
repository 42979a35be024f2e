"""Everything that is read of one host, put together: what hello, sweep and events say, but not when."""

import os
import time

from . import host, pci
from .accelerators import accelerators_of
from .children import end_all
from .clock import ClockWatch
from .cost import CostReader
from .flood import Flood
from .gaps import Gaps
from .kernel_lines import pci_key
from .kernel_log import LogWatch, event_of
from .processes import Describer, ProcessReader
from .sections import sections_of
from .units import scheduler_of

SHORT_WAIT_S = 0.2
_XID = "xid"


class Survey:
    """What one host says.

    Args:
        config: `driver_limit_s`, how long the driver may take; `proc`, `sys`, `etc` and `kmsg`, where those are;
            `units`, `services` and `scripts`, what to look after.
        wake: called, in another thread, when an answer has come late.
        wait: waits until `wake` was called, or something happened, at most so many seconds.
        channel: with `watch` and `unwatch` for what is to be read as it comes; None for a caller that has none.
        gpus: makes what is asked of the GPUs out of (wake, whether it is to tell of Xids); `accelerators_of` if None.
        sections: parts of the sweep; those of a Linux host if it is None.
    """

    def __init__(self, config, wake, wait, channel=None, gpus=None, sections=None):
        self._proc = config.get("proc", "/proc")
        self._sys = config.get("sys", "/sys")
        self._etc = config.get("etc", "/etc")
        self._wait = wait
        self._gaps = Gaps()
        self._flood = Flood()
        self._log_events = []
        self._log = LogWatch(config, self._gaps, self._keep_log_event, channel)
        listens = not self._log.is_telling
        self._gpus = accelerators_of(config, wake, listens) if gpus is None else gpus(wake, listens)
        self._sections = sections_of(config, wake) if sections is None else sections
        self._processes = ProcessReader(Describer(self._proc, self._etc), wake)
        self._cost = CostReader()
        self._clock = ClockWatch()
        self._noted = {}
        self._bus = self._scheduler = self._units = None
        self._bus_due_at = 0.0
        self._early_details = []
        self._hangs = 0
        self._was_hung = False
        self._identity = {}

    def start(self):
        """Read all for the first time, so that the first hello says what cannot be read; may take some seconds."""
        now = time.monotonic()
        self._identity = self._gaps.attempt("host", self._identify, now, {"hostname": os.uname().nodename})
        self._read_sections(now)
        early = self._read_gpus()[0]["gpu_details"]
        self._read_bus(now)
        self._log.check(now)
        self._wait_until(lambda: all(section.is_idle is None or section.is_idle() for section in self._sections))
        self._read_sections(time.monotonic())
        # Only of GPUs that have answered once does the driver tell Xids, and the next sweep may be far.
        self._early_details = early + self._read_gpus()[0]["gpu_details"]
        # What starting took is not what a sweep costs.
        self._gaps.attempt("probe", self._cost.read, time.monotonic(), None)

    def release_gpus(self, for_s):
        """Let go of the GPUs for so many seconds, so that one can be reset; they are not read meanwhile."""
        self._gpus.release(for_s)

    def _identify(self):
        return host.identity(self._proc, self._etc)

    @property
    def urgent_version(self):
        """Changes when what `hello` says of GPUs has changed, or they have begun not to answer."""
        return self._gpus.version, self._hangs

    @property
    def version(self):
        """Changes when what `hello` says has changed."""
        return self._gpus.version, self._gaps.version, self._bus, self._scheduler

    def hello(self):
        """The wire's `Hello` as a dict, but for what only the caller knows."""
        return dict(
            self._identity,
            driver_version=self._gpus.driver_version,
            gpus=self._gpus.identities,
            gpus_on_bus=self._bus,
            scheduler=self._scheduler,
            unavailable=self._gaps.listed(),
        )

    def sweep(self):
        """The wire's `Sweep` as a dict, but for its version and number."""
        started = time.monotonic()
        values, uses = self._read_gpus()
        if self._early_details:
            # Read once in ten seconds, and not to be lost.
            values["gpu_details"] = self._early_details + values["gpu_details"]
            self._early_details = []
        if uses:
            self._processes.ask(uses)
        self._check_clock()
        now = time.monotonic()
        values.update(t_unix_s=time.time(), t_mono_s=now)
        values.update(self._read_sections(now))
        self._read_bus(now)
        if uses:
            self._wait_until(lambda: self._processes.is_idle)
            values["processes"] = self._processes.rows(uses)
        self._note("processes of gpus", self._processes.gaps if uses else {})
        values["probe"] = dict(self._gaps.attempt("probe", self._cost.read, time.monotonic(), {}))
        values["probe"]["sweep_s"] = round(time.monotonic() - started, 6)
        return values

    def _read_gpus(self):
        """(the sweep's fields, uses) of the GPUs."""
        self._gpus.ask()
        while self._gpus.is_busy:
            self._wait(SHORT_WAIT_S)
        read = self._gpus.read(time.monotonic())
        self._note("gpus", self._gpus.gaps())
        is_hung = read[0]["is_driver_hung"]
        self._hangs += is_hung and not self._was_hung
        self._was_hung = is_hung
        return read

    def _read_sections(self, now):
        values = {}
        for section in self._sections:
            read = section.read
            values.update(self._gaps.attempt(section.what, lambda read=read: read(now), now, section.empty))
            self._note(section.what, section.gaps())
        units = values.get("units", self._units)
        if units is not self._units:
            self._units, self._scheduler = units, scheduler_of(units)
        return values

    def _read_bus(self, now):
        if now < self._bus_due_at:
            return
        self._bus_due_at = now + pci.PERIOD_S
        self._bus = self._gaps.attempt("pci bus", lambda: pci.count_gpus(self._sys), now, None)

    def _note(self, of, gaps):
        """Note `gaps` of one reader in the place of those it had before."""
        before = self._noted.get(of, {})
        if gaps == before:
            return
        self._noted[of] = dict(gaps)
        for what in before:
            # Two readers may miss the same, for reasons of their own.
            why = next((noted[what] for noted in self._noted.values() if what in noted), None)
            if why is None:
                self._gaps.clear(what)
        for noted in self._noted.values():
            for what, why in noted.items():
                self._gaps.note(what, why)

    def _wait_until(self, is_done):
        until = time.monotonic() + SHORT_WAIT_S
        while not is_done() and time.monotonic() < until:
            self._wait(until - time.monotonic())

    # Events

    def events(self):
        """What happened since the last call, oldest first: the wire's `Event`s, as dicts, but for their version."""
        now = time.monotonic()
        self._log.check(now)
        self._take_log_events(now)
        for name, text, uuid, code in self._gpus.events():
            # The driver tells with fewer words what the kernel's log has told.
            if name != _XID or not self._log.is_telling:
                self._put(name, text, uuid, code)
        return self._flood.take(now)

    def _keep_log_event(self, happening, t_unix_s, is_backlog):
        # Which GPU it is about may only be known once the driver has answered.
        self._log_events.append((happening, time.time() if t_unix_s is None else t_unix_s, is_backlog))

    def _take_log_events(self, now):
        found, self._log_events = self._log_events, []
        for happening, t_unix_s, is_backlog in found:
            self._flood.put(event_of(happening, t_unix_s, is_backlog, self._uuid_at(happening.pci)), now)

    def _uuid_at(self, address):
        if address is None:
            return None
        for identity in self._gpus.identities:
            if pci_key(identity.get("pci_bus_id") or "") == address and not identity.get("parent_uuid"):
                return identity["uuid"]
        return None

    def _check_clock(self):
        jump = self._clock.jump()
        if jump is not None:
            self._put("clock-jump", jump)

    def _put(self, name, text, uuid=None, code=None):
        event = {"t_unix_s": time.time(), "name": name, "text": text, "gpu_uuid": uuid, "code": code}
        event.update(is_backlog=False, pci_bus_id=None)
        self._flood.put(event, time.monotonic())

    def close(self):
        """End all that was started: nothing is left behind."""
        for section in self._sections:
            if section.close is not None:
                section.close()
        self._log.close()
        end_all()
