"""Lets `python -m leptontui` do what the `leptontui` command does."""

import sys

from leptontui.cli import main

if __name__ == "__main__":
    sys.exit(main())
