"""Restart, drain and undrain: planned, guarded, confirmed, verified, audited."""
