"""Telling people and other systems of alerts: what is told when (pure), and the ways there (apprise, Alertmanager)."""
