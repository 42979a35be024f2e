"""Rollouts that the program's end broke off: found in the audit, told once, never gone on with by themselves."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest

from leptontui.actions.process_mark import is_gone, own_mark
from leptontui.actions.rollouts import Rollouts
from leptontui.actions.rollouts_left import left_behind
from leptontui.errors import ActionError
from leptontui.model.activity import RolloutRequest, RolloutState, Wish
from tests.unit.actions.hand_scene import ScriptedHand

PART = {"part_of": "rollout r1"}
BEGUN: dict[str, Any] = {
    "event": "rollout-begun",
    "rollout_id": "r1",
    "title": "Restart x on 4 hosts",
    "hosts": ["h1", "h2", "h3", "h4"],
    "process": "gone",
}
LINES: list[dict[str, Any]] = [
    BEGUN,
    {"event": "begun", "host": "h1", "t_unix_s": 1.0, **PART},
    {"event": "ended", "host": "h1", "outcome": "verified", "summary": "it is up", "t_unix_s": 2.0, **PART},
    {"event": "refused", "host": "h2", "outcome": "refused", "summary": "h2 is lost", **PART},
    {"event": "begun", "host": "h3", "t_unix_s": 3.0, **PART},
    {"event": "ended", "host": "h4", "outcome": "verified", "summary": "of another", "part_of": "rollout r2"},
]


def test_what_was_done_and_what_was_not_is_read_from_the_audit() -> None:
    (rollout,) = left_behind(LINES, lambda mark: mark == "gone")
    assert (rollout.state, rollout.title) == (RolloutState.ABANDONED, "Restart x on 4 hosts")
    assert [(one.host, one.state.value) for one in rollout.targets] == [
        ("h1", "verified"),
        ("h2", "refused"),
        ("h3", "unknown"),
        ("h4", "skipped"),
    ]
    assert "1 verified, 1 refused, 1 unknown, 1 skipped" in rollout.said


def test_one_that_ended_or_whose_process_lives_is_left_alone() -> None:
    ended = {"event": "rollout-ended", "rollout_id": "r1"}
    assert left_behind([*LINES, ended], lambda _: True) == ()
    assert left_behind(LINES, lambda _: False) == ()


@pytest.mark.parametrize(
    "odd",
    [{"hosts": None}, {"hosts": [1, None]}, {"title": 3}, {"process": 7}, {"rollout_id": ["r1"]}, {"rollout_id": ""}],
)
def test_a_line_that_makes_no_sense_breaks_nothing(odd: dict[str, Any]) -> None:
    left_behind([{**BEGUN, **odd}, *LINES[1:], {}, {"event": 5}], lambda _: True)


def test_a_process_knows_itself_and_knows_when_another_has_ended() -> None:
    mark = own_mark()
    assert not is_gone(mark)
    script = "from leptontui.actions.process_mark import own_mark; print(own_mark(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = other.stdout.readline().strip()
        assert not is_gone(theirs)
        other.kill()
    assert is_gone(theirs)
    host, boot, pid, start = mark.split(" ")
    assert is_gone(f"{host} {boot} {pid} {int(start) + 1}"), "the same number, given anew"
    assert is_gone(f"{host} other-boot {pid} {start}")


@pytest.mark.parametrize(
    "mark", ["", "x", "a b c", "elsewhere boot 1 2", f"{os.uname().nodename} b x 2", "\0 \0 \0 \0"]
)
def test_of_what_is_not_known_nothing_is_said_to_be_gone(mark: str) -> None:
    assert not is_gone(mark)


async def test_it_is_told_once_and_cannot_be_gone_on_with() -> None:
    hand = ScriptedHand()
    gone = [{**LINES[0], "process": own_mark()[:-1] + "x"}, *LINES[1:]]
    rollouts = Rollouts(hand, clock=hand.clock, read=lambda: [*gone, *({"event": e, **f} for e, f in hand.notes)])
    await rollouts.look_again()
    await rollouts.look_again()
    (rollout,) = rollouts.shown
    assert rollout.rollout_id == "r1"
    assert hand.events == ["rollout-ended"]
    with pytest.raises(ActionError, match="no rollout r1 is under way"):
        await rollouts.steer("r1", Wish.RESUME)
    assert hand.ran == []


async def test_one_of_this_session_is_not_taken_for_left_behind() -> None:
    hand = ScriptedHand(gates={"h1": asyncio.Event()})
    rollouts = Rollouts(hand, clock=hand.clock, read=lambda: [{"event": e, **f} for e, f in hand.notes])
    plan = await rollouts.plan(RolloutRequest("restart", ("h1", "h2"), unit="x.service"))
    await rollouts.start(plan, "2")
    await rollouts.look_again()
    assert len(rollouts.shown) == 1
    assert hand.events == ["rollout-begun"]
    await rollouts.close()


async def test_an_audit_that_cannot_be_read_stops_nothing() -> None:
    def unreadable() -> list[dict[str, Any]]:
        raise PermissionError(13, "Permission denied")

    hand = ScriptedHand()
    rollouts = Rollouts(hand, clock=hand.clock, read=unreadable)
    await rollouts.look_again()
    assert rollouts.shown == ()
