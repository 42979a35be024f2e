"""Read-only is structural: with data on its way through a real engine thread nothing of the actions is loaded."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys, threading
from leptontui.config.choose import choose_fleet
from leptontui.engine.thread import EngineThread
import leptontui.ui.app
import leptontui.ui.screens.wallboard
import leptontui.wiring.screen
from leptontui.wiring.watch import FleetWatch

fleet = choose_fleet(hosts=None, inventory=None)
can_act = sys.argv[1] == "act"
swept, failures = threading.Event(), []
thread = EngineThread(
    lambda: FleetWatch(fleet, interval_s=0.2, can_act=can_act, has_forecasts=False), failures.append
)
thread.subscribe(lambda found: swept.set() if found.newest_age_s is not None else None)
thread.start()
assert swept.wait(30), failures
print(any(name.startswith("leptontui.actions") for name in sys.modules))
thread.stop()
"""


@pytest.mark.parametrize(("how", "is_loaded"), [("look", "False"), ("act", "True")])
def test_only_who_may_act_loads_the_actions(how: str, is_loaded: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, how], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == (is_loaded, "")
