"""What is loaded before the first paint: nothing that takes long."""

import subprocess
import sys

HEAVY = ("polars", "asyncssh", "statsforecast", "numpy", "pandas", "leptontui.engine", "leptontui.actions")


def test_the_app_loads_nothing_heavy():
    code = f"import sys, leptontui.ui.app; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
