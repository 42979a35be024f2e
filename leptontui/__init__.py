"""leptontui: the terminal an on-call engineer opens when a GPU fleet misbehaves."""

__version__ = "0.1.0"
