"""What a unit says of itself, and whether that is a restart that took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.systemd import UnitState, parse_unit


def state(unit: str = "a.service", **said: object) -> UnitState:
    return UnitState(unit, **{"active": "active", "sub": "running", **said})  # type: ignore[arg-type]


def test_what_an_old_systemd_does_not_say_is_missing_not_zero() -> None:
    unit = parse_unit("a.service", "LoadState=loaded\nActiveState=active\nSubState=running\nMainPID=0\nNRestarts=x\n")
    assert (unit.main_pid, unit.restarts, unit.invocation) == (None, None, "")
    assert unit.words == "active (running)"


@given(st.text(max_size=200))
def test_anything_can_be_read(text: str) -> None:
    assert parse_unit("a.service", text).words.isprintable()


@pytest.mark.parametrize(
    ("unit", "is_up"),
    [
        (state(), True),
        (state(sub="exited"), False),
        (state(sub="exited", service_type="oneshot"), True),
        (state(sub="exited", stays_after_exit=True), True),
        (state(sub="auto-restart", active="activating"), False),
        (state(active="inactive", sub="dead", service_type="oneshot", result="success"), True),
        (state(active="inactive", sub="dead", service_type="oneshot", result="exit-code"), False),
        (state(active="inactive", sub="dead", result="success"), False),
        (state("a.socket", sub="listening"), True),
        (state("a.timer", sub="waiting"), True),
        (state("a.timer", active="failed", sub="failed"), False),
        (state("a", sub="running"), True),
    ],
)
def test_what_up_means(unit: UnitState, is_up: bool) -> None:
    assert unit.is_up is is_up


@pytest.mark.parametrize(
    ("before", "after", "is_restart"),
    [
        (state(invocation="1"), state(invocation="2"), True),
        (state(invocation="1", main_pid=1), state(invocation="1", main_pid=2), False),
        (state(active="inactive"), state(active="inactive", invocation="2"), True),
        (state(invocation="1"), state(active="inactive"), False),
        (state(main_pid=1, since_us="5"), state(main_pid=2, since_us="5"), True),
        (state(main_pid=1, since_us="5"), state(main_pid=1, since_us="5"), False),
        (state(since_us="5"), state(since_us="6"), True),
        (state(active="failed"), state(), True),
        (state(active="failed"), state(active="failed"), False),
    ],
)
def test_what_a_restart_is(before: UnitState, after: UnitState, is_restart: bool) -> None:
    assert after.is_restart_of(before) is is_restart
