"""The loop: a hello, then one sweep per interval and events in between, until nobody listens."""

import math
import os
import time

from . import host
from .channel import VERSION
from .cost import CostReader
from .driver import LIMIT_S, Driver
from .filesystems import FilesystemReader
from .gaps import Gaps, Unreadable
from .gpus import Gpus
from .kmsg import KernelLog, pci_key
from .processes import Describer, ProcessReader
from .sections import sections_of

HELLO_PAUSE_S = 10.0
"""Two hellos are at least so far apart, unless the GPUs changed."""
_SHORT_WAIT_S = 0.2


def next_due(now, interval_s, phase):
    """The next (k + phase)·interval_s after `now`: sweeps do not drift, and a late one is not followed by a burst."""
    return (math.floor(now / interval_s - phase) + 1 + phase) * interval_s


class Probe:
    """One run of the probe.

    Args:
        config: `interval_s` and `phase`; also `driver_limit_s`, how long the driver may take, and `proc`, `sys`, `etc`
            and `kmsg`, where those are.
        channel: where to say it.
    """

    def __init__(self, config, channel):
        self._interval_s = float(config.get("interval_s", 1.0))
        self._phase = float(config.get("phase", 0.0)) % 1.0
        self._name = config.get("probe")
        self._etc = config.get("etc", "/etc")
        self._proc = proc = config.get("proc", "/proc")
        self._channel = channel
        self._gaps = Gaps()
        self._kernel_log = self._open_log(config.get("kmsg", "/dev/kmsg"))
        gpus = Gpus(listens=self._kernel_log is None)
        self._driver = Driver(channel.wake, gpus, float(config.get("driver_limit_s", LIMIT_S)))
        self._driver_gaps = {}
        self._load = host.LoadReader(proc)
        self._sections = sections_of(config, channel.wake)
        self._filesystems = FilesystemReader(proc, self._channel.wake)
        self._processes = ProcessReader(Describer(proc, self._etc), self._channel.wake)
        self._cost = CostReader()
        self._silent = {}
        self._seq = 0
        self._told = None
        self._early = []
        self._told_at = 0.0
        self._identity = None

    def run(self):
        """Speak until nobody listens.

        Raises:
            Closed: nobody listens any more.
        """
        self._identity = self._gaps.attempt("host", self._identify, time.monotonic(), {"hostname": os.uname().nodename})
        self._read_filesystems(time.monotonic())
        self._read_gpus()
        self._wait_for(self._filesystems, _SHORT_WAIT_S)
        self._read_filesystems(time.monotonic())
        # So that the first hello lists what cannot be read.
        self._read_sections(time.monotonic())
        # What starting took is not what a sweep costs.
        self._gaps.attempt("probe", self._cost.read, time.monotonic(), None)
        while True:
            self._hello_if_changed()
            due = next_due(time.monotonic(), self._interval_s, self._phase)
            while True:
                left = due - time.monotonic()
                if left <= 0.0:
                    break
                self._channel.wait(left)
                self._tell_of_driver()
            self._sweep()

    def _identify(self):
        return host.identity(self._proc, self._etc)

    # GPUs

    def _read_gpus(self):
        """(readings, uses) of the GPUs; empty while the driver hangs."""
        self._driver.ask()
        while self._driver.is_busy:
            self._channel.wait(_SHORT_WAIT_S)
        self._tell_of_driver()
        self._note_all(self._driver_gaps, self._driver.gaps())
        return self._driver.readings()

    def _tell_of_driver(self):
        for name, text, uuid, code in self._driver.events():
            self._event(name, text, uuid, code)

    def _note_all(self, before, gaps):
        """Note `gaps` in the place of those noted `before`, a dict that is brought up to date."""
        for what in before:
            if what not in gaps:
                self._gaps.clear(what)
        for what, why in gaps.items():
            self._gaps.note(what, why)
        before.clear()
        before.update(gaps)

    # The kernel's log

    def _open_log(self, path):
        try:
            log = KernelLog(path)
        except Unreadable as error:
            self._gaps.note("kernel log", error.why)
            return None
        if log.fd is not None:
            self._channel.watch(log.fd, self._read_log)
        return log

    def _read_log(self):
        if self._kernel_log is None:
            return
        try:
            events = self._kernel_log.events()
        except Unreadable as error:
            self._gaps.note("kernel log", error.why)
            self._channel.unwatch(self._kernel_log.fd)
            self._kernel_log.close()
            self._kernel_log = None
            return
        for name, code, pci, text in events:
            self._event(name, text, self._uuid_at(pci), code)

    def _uuid_at(self, pci):
        for identity in self._driver.identities:
            if pci is not None and pci_key(identity.get("pci_bus_id") or "") == pci:
                return identity["uuid"]
        return None

    # Messages

    def _event(self, name, text, gpu_uuid=None, code=None):
        message = {"kind": "event", "v": VERSION, "t_unix_s": time.time(), "name": name}
        message.update(gpu_uuid=gpu_uuid, code=code, text=text)
        if self._told is None:
            # The hello comes first.
            self._early.append(message)
        else:
            self._channel.say(message)

    def _hello_if_changed(self):
        now = time.monotonic()
        told = (self._driver.version, self._gaps.version)
        if told == self._told:
            return
        if self._told is not None and told[0] == self._told[0] and now - self._told_at < HELLO_PAUSE_S:
            return
        self._told, self._told_at = told, now
        message = {"kind": "hello", "v": VERSION, "t_unix_s": time.time()}
        message.update(self._identity)
        message.update(
            probe=self._name,
            interval_s=self._interval_s,
            driver_version=self._driver.driver_version,
            gpus=self._driver.identities,
            unavailable=self._gaps.listed(),
        )
        self._channel.say(message)
        early, self._early = self._early, []
        for event in early:
            self._channel.say(event)

    def _sweep(self):
        started = time.monotonic()
        gpus, uses = self._read_gpus()
        if uses:
            self._processes.ask(uses)
        if self._kernel_log is not None and self._kernel_log.fd is None:
            self._read_log()
        now = time.monotonic()
        attempt = self._gaps.attempt
        sweep = {
            "kind": "sweep",
            "v": VERSION,
            "seq": self._seq,
            "t_unix_s": time.time(),
            "t_mono_s": now,
            "filesystems": self._read_filesystems(now),
            "gpus": gpus,
            "probe": attempt("probe", self._cost.read, now, {}),
        }
        sweep.update(self._read_sections(now))
        sweep.update(attempt("load", self._load.read, now, {}))
        if uses:
            self._wait_for(self._processes, _SHORT_WAIT_S)
            sweep["processes"] = self._processes.rows(uses)
        self._hello_if_changed()
        sweep["probe"]["sweep_s"] = round(time.monotonic() - started, 6)
        self._channel.say(sweep)
        self._seq += 1

    def _read_sections(self, now):
        """{field: value} of all sections; where one cannot be read, its empty value."""
        return {
            section.field: self._gaps.attempt(section.what, lambda read=section.read: read(now), now, section.empty)
            for section in self._sections
        }

    def _read_filesystems(self, now):
        rows = self._gaps.attempt("filesystems", lambda: self._filesystems.read(now), now, [])
        silent = {"filesystem " + mount: why for mount, why in self._filesystems.silent().items()}
        self._note_all(self._silent, silent)
        return rows

    def _wait_for(self, reader, limit_s):
        until = time.monotonic() + limit_s
        while not reader.is_idle and time.monotonic() < until:
            self._channel.wait(until - time.monotonic())
