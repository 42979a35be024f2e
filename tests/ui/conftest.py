"""What the screens' tests share: a fixed time zone, and the hand-made fleet with one of everything."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fake_office import FakeCommands
from fleets import FakeSource, train_fleet

from leptontui.snapshot import FleetSnapshot


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clocks on the screen are local time: make local mean UTC, and colours mean colours."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def fleet_snapshot() -> FleetSnapshot:
    return train_fleet()


@pytest.fixture
def source(fleet_snapshot: FleetSnapshot) -> FakeSource:
    return FakeSource(fleet_snapshot)


@pytest.fixture
def commands() -> FakeCommands:
    return FakeCommands()
