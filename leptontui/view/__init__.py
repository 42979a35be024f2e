"""Snapshot and view state in, rows to show out."""
