"""Who watches for alerts, who may look after them, who tells people, and who acts: by how the program was started."""

from pathlib import Path

import pytest

from leptontui.config.choose import Choice
from leptontui.inventory.book import Book
from leptontui.model.target import Fleet, HostTarget
from leptontui.wiring.options import AlertUse, WatchOptions
from leptontui.wiring.watch import FleetWatch

FLEET = Fleet("fleet", (HostTarget("a", is_local=True),))
NOTIFY = '[[notifier]]\nname = "pager"\nurl = "json://127.0.0.1:9/"\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    notify = tmp_path / "config" / "leptontui" / "notify.toml"
    notify.parent.mkdir(parents=True)
    notify.write_text(NOTIFY)
    notify.chmod(0o600)
    return tmp_path


def watch(use: AlertUse, *, can_act: bool, keeps: bool = True) -> FleetWatch:
    options = WatchOptions(keeps_learned=keeps)
    return FleetWatch(FLEET, interval_s=1.0, can_act=can_act, has_forecasts=False, alert_use=use, options=options)


def parts(made: FleetWatch) -> tuple[bool, bool, bool, bool, bool]:
    """Whether it has: alerts, a port, somebody to tell, reactions, and may keep the history."""
    alerting = made._alerting
    if alerting is None:
        return (False,) * 5
    return (
        True,
        made.alerts is not None,
        alerting._telling is not None,
        alerting._reactor is not None,
        alerting.shelf._can_keep,
    )


async def test_a_screen_has_everything() -> None:
    assert parts(watch(AlertUse.FULL, can_act=True)) == (True, True, True, True, True)


async def test_a_read_only_screen_looks_after_nothing_and_does_nothing() -> None:
    assert parts(watch(AlertUse.FULL, can_act=False)) == (True, False, True, False, True)


async def test_a_wallboard_only_shows() -> None:
    assert parts(watch(AlertUse.LOOK, can_act=False)) == (True, False, False, False, False)


async def test_even_one_that_could_act_does_not_where_it_only_looks_on() -> None:
    assert parts(watch(AlertUse.LOOK, can_act=True)) == (True, False, False, False, False)


async def test_a_check_has_none() -> None:
    assert parts(watch(AlertUse.NONE, can_act=False)) == (False,) * 5


async def test_nobody_is_told_of_a_simulated_fleet_and_nothing_of_it_is_kept(home: Path) -> None:
    made = watch(AlertUse.FULL, can_act=True, keeps=False)
    assert parts(made) == (True, True, False, True, True)
    assert made._alerting is not None
    await made._alerting.shelf.begin()
    assert not (home / "state").exists()


async def test_what_is_wrong_with_the_notifiers_is_on_the_board(home: Path) -> None:
    (home / "config" / "leptontui" / "notify.toml").chmod(0o644)
    made = watch(AlertUse.FULL, can_act=True)
    assert made._alerting is not None
    assert any("notify.toml" in words for words in made._alerting.board.troubles)


def test_a_fleet_is_known_again_by_how_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fleet.toml").write_text('[[group]]\nname = "train"\nhosts = ["gpu[1-4]"]\n')
    whole = str(tmp_path / "fleet.toml")
    assert Book.open(Choice(inventory=Path("fleet.toml"))).scope == whole
    assert Book.open(Choice(inventory=Path("fleet.toml"), hosts="gpu[1-2]")).scope == f"{whole}: gpu[1-2]"
    assert Book.open(Choice(hosts="gpu[1-2]")).scope == "gpu[1-2]"
    assert Book.open(Choice()).scope == "this machine"
