"""The hand-made fleets of the screens' tests serve these tests too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "ui"))
