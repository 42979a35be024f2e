"""Starts the probe, and ends the process when nobody listens any more."""

import os
import signal
import sys
import traceback

from .channel import Channel, Closed
from .cost import step_back
from .loop import Probe


def main(config):
    """Run the probe until stdin closes or stdout breaks; does not return.

    Threads that hang in the driver or in a dead filesystem are not waited for. SIGUSR1 makes it let go of the GPUs for
    three minutes: `nvidia-smi --gpu-reset` wants nobody to read them.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    status = 0
    try:
        step_back()
        probe = Probe(config, Channel())
        signal.signal(signal.SIGUSR1, lambda *_: probe.release())
        probe.run()
    except Closed:
        pass
    except BaseException:  # noqa: BLE001 — the process's boundary: said on stderr, then the process ends
        status = 70
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(status)
