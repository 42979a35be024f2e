"""A scene for each test of the actions."""

from pathlib import Path

import pytest

from tests.unit.actions.actions_scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "state" / "audit.jsonl")
