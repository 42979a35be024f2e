"""Lets the tests find what makes their series."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
