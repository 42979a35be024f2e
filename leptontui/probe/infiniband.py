"""InfiniBand and RoCE ports, from /sys/class/infiniband.

See the kernel's Documentation/ABI/stable/sysfs-class-infiniband.
"""

import os
import re

from .files import read_once, read_or_none
from .gaps import Unreadable
from .parsing import clean, clean_or_none, real, whole
from .patrol import Patrol

PERIOD_S = 5.0
"""How often a port is asked: its counters are fetched from the adapter's firmware."""
LIMIT_S = 2.0
MOST = 64
_WORD_BYTES = 4
"""port_rcv_data and port_xmit_data count in words of four octets."""
_COUNTERS = (
    ("link_downed", "link_downed"),
    ("link_recoveries", "link_error_recovery"),
    ("symbol_errors", "symbol_error"),
    ("rx_errors", "port_rcv_errors"),
)
_RATE = re.compile(rb"\s*(\d{1,6}(?:\.\d{1,3})?)\s*Gb/sec")


def parse_state(content):
    """The state in "4: ACTIVE" as "active"; None if it is malformed."""
    _, colon, word = content.partition(b":")
    return clean_or_none(word.lower(), 32) if colon else None


def parse_rate(content):
    """The rate in "400 Gb/sec (4X NDR)" as 400.0, in Gb/s; None if it is malformed."""
    match = _RATE.match(content)
    return real(match.group(1)) if match else None


def ports_of(sys):
    """[(device, port)] of all ports, at most `MOST`, in order of name.

    Raises:
        OSError: /sys cannot be read.
    """
    root = "%s/class/infiniband" % sys
    found = []
    for device in sorted(os.listdir(root)):
        try:
            numbers = os.listdir("%s/%s/ports" % (root, device))
        except OSError:
            continue
        found += [(device, number) for number in sorted(numbers) if number.isdigit()]
    return found[:MOST]


def read_port(directory):
    """The wire's `IbPort` as a dict, but for its name.

    Args:
        directory: of the port in /sys. May block while the adapter does not answer.

    Raises:
        OSError: its state cannot be read.
    """

    def count(name):
        content = read_or_none("%s/counters/%s" % (directory, name), 64)
        return None if content is None else whole(content.strip())

    received, sent = count("port_rcv_data"), count("port_xmit_data")
    row = {
        "state": parse_state(read_once(directory + "/state", 64)),
        "phys_state": parse_state(read_or_none(directory + "/phys_state", 64) or b""),
        "layer": clean_or_none(read_or_none(directory + "/link_layer", 64), 32),
        "rate_gbit": parse_rate(read_or_none(directory + "/rate", 64) or b""),
        "rx_bytes": None if received is None else whole(received * _WORD_BYTES),
        "tx_bytes": None if sent is None else whole(sent * _WORD_BYTES),
    }
    row.update((field, count(name)) for field, name in _COUNTERS)
    return row


class PortReader:
    """The ports as they were within the last five seconds.

    Args:
        sys: where /sys is.
        wake: called, in another thread, when new answers are there; None for nothing.
        ask: what to call for a (device, port); reads /sys but in tests.
        limit_s: how long one port may take.

    Attributes:
        gaps: {what: why} of ports that cannot be read.
    """

    def __init__(self, sys="/sys", wake=None, ask=None, limit_s=LIMIT_S):
        self._sys = sys
        self._patrol = Patrol(self._ask if ask is None else ask, limit_s, wake)
        self._ports = []
        self._due_at = 0.0
        self.gaps = {}

    def _ask(self, port):
        return read_port("%s/class/infiniband/%s/ports/%s" % ((self._sys,) + port))

    @property
    def is_idle(self):
        """Whether all ports have answered or hang."""
        return self._patrol.is_idle

    def read(self, now):
        """The wire's `IbPort`s, as dicts; of one that does not answer only its name.

        Args:
            now: monotonic time, in seconds.
        """
        self._patrol.check(now)
        if now >= self._due_at and self._patrol.is_idle:
            self._due_at = now + PERIOD_S
            try:
                self._ports = ports_of(self._sys)
            except FileNotFoundError:
                # No such adapter: an ordinary host.
                self._ports = []
            except OSError as error:
                raise Unreadable(str(error.strerror or error)) from error
            self._patrol.send(self._ports)
        rows, self.gaps = [], {}
        hung = self._patrol.hung
        for port in self._ports:
            name = clean("/".join(port), 80)
            row, refusal = self._patrol.found.get(port, (None, None))
            if port in hung:
                row, refusal = None, "the adapter does not answer"
            if refusal is not None:
                self.gaps["port " + name] = str(getattr(refusal, "strerror", None) or refusal)
            if row is not None or refusal is not None:
                rows.append(dict(row or {}, port=name))
        return rows
