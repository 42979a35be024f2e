"""Alerts: rules, their life from pending to resolved, grouping, silences, history and telling people."""
