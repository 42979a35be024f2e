"""Anomalies: series that leave their own past and forecast, without a threshold; groups of them are one."""
