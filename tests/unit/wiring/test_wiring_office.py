"""Who gets a port to act through, and where what it keeps lies: a policy, a simulated fleet, a screen or none."""

import asyncio
import gc
import json
from pathlib import Path

import pytest

from leptontui.actions.office import Office
from leptontui.cli import main
from leptontui.model.target import Fleet, HostTarget
from leptontui.wiring import headless
from leptontui.wiring.options import WatchOptions
from leptontui.wiring.watch import FleetWatch

FLEET = Fleet("here", (HostTarget("here", is_local=True),))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(headless, "log_to_file", lambda: None)
    return tmp_path


def policy(home: Path, text: str) -> None:
    folder = home / "config" / "leptontui"
    folder.mkdir(parents=True)
    (folder / "policy.toml").write_text(text)


def watch_of(*, is_simulated: bool = False, has_access: bool = False) -> FleetWatch:
    options = WatchOptions(keeps_learned=False) if is_simulated else WatchOptions()
    return FleetWatch(FLEET, interval_s=1.0, can_act=True, has_forecasts=False, options=options, has_access=has_access)


def test_a_policy_that_says_read_only_leaves_no_port(home: Path) -> None:
    policy(home, "read_only = true\n")
    watch = watch_of()
    assert watch.commands is None
    assert watch_of(is_simulated=True).commands is not None


def test_a_command_says_which_policy_it_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy(home, "read_only = true\n")
    assert main(["act", "evidence", "localhost", "--yes", "1", "--json"]) == 4
    said = capsys.readouterr()
    assert "policy.toml" in said.err
    assert json.loads(said.out)["refused"]["rule"] == "policy-read-only"


def test_what_is_done_to_a_simulated_fleet_stands_nowhere_else(home: Path) -> None:
    watch = watch_of(is_simulated=True)
    office = watch.commands
    assert isinstance(office, Office)
    folder = office.desk.audit.path.parent
    assert folder.is_dir()
    assert home not in folder.parents
    del watch, office
    gc.collect()
    assert not folder.exists()


def test_what_is_done_to_a_real_one_is_kept_in_the_users_state(home: Path) -> None:
    office = watch_of().commands
    assert isinstance(office, Office)
    assert office.desk.audit.path == home / "state" / "leptontui" / "audit.jsonl"


def test_an_action_with_a_mistake_is_told_and_the_rest_can_be_used(home: Path) -> None:
    folder = home / "config" / "leptontui"
    folder.mkdir(parents=True)
    (folder / "actions.toml").write_text(
        '[[action]]\nname = "good"\nmeaning = "Well."\ncommand = ["true"]\n[[action]]\nname = "BAD"\n'
    )
    office = watch_of().commands
    assert office is not None
    assert "custom/good" in {spec.name for spec in office.specs}
    assert "custom/bad" not in {spec.name for spec in office.specs}


@pytest.mark.parametrize("has_access", [True, False])
async def test_only_a_screen_looks_after_what_is_remembered_by_itself(
    monkeypatch: pytest.MonkeyPatch, *, has_access: bool
) -> None:
    looked = asyncio.Event()

    async def tend(self: Office) -> None:
        looked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Office, "tend", tend)
    watch = watch_of(has_access=has_access)
    swept = asyncio.Event()
    watch.subscribe(lambda snapshot: swept.set() if snapshot.newest_age_s is not None else None)
    running = asyncio.create_task(watch.run())
    async with asyncio.timeout(30):
        await swept.wait()
    assert looked.is_set() is has_access
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
