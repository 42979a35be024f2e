"""The program is killed with SIGKILL at points of an action: what the audit tells then, and what is asked again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from leptontui.actions.audit import Audit, verify
from leptontui.actions.unfinished import BrokenOff
from leptontui.errors import LinkError
from leptontui.model.action import ActionName, OutcomeKind
from leptontui.model.activity import Unfinished
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import Fleet
from tests.unit.actions.actions_scene import T0, UNIT, Scene
from tests.unit.actions.killed_scene import RESTART, make_desk, set_up

ROOT = Path(__file__).parents[3]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    set_up(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    yield tmp_path
    with suppress(OSError):  # let go of the script that still halts
        os.close(os.open(tmp_path / "go", os.O_WRONLY | os.O_NONBLOCK))


def kill_at(place: Path, halt: str) -> None:
    """Restart the unit in a process of its own, and kill it where the script halts."""
    with halted_at(place, halt) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait(20) == -signal.SIGKILL
    (place / "halt").write_text("")


def halted_at(place: Path, halt: str) -> subprocess.Popen[bytes]:
    (place / "halt").write_text(halt)
    command = [sys.executable, "-m", "tests.unit.actions.killed_scene", str(place)]
    process = subprocess.Popen(command, cwd=ROOT)
    assert (place / "reached").read_text() == "\n"  # waits for the script to write it
    return process


def events(place: Path) -> list[str]:
    path = place / "audit.jsonl"
    return [json.loads(line)["event"] for line in path.read_text().splitlines()] if path.exists() else []


def looked(place: Path) -> tuple[Unfinished, ...]:
    broken_off = BrokenOff(make_desk(place))
    asyncio.run(broken_off.look_again())
    return broken_off.unfinished


def test_killed_before_it_was_begun_leaves_nothing(place: Path) -> None:
    kill_at(place, "show 2")  # the question at the moment of execution
    assert events(place) == []
    locks = make_desk(place).locks
    assert asyncio.run(locks.holder(["gpu-017"])) is None
    assert len(asyncio.run(locks.look()).broken_off) == 1
    assert looked(place) == ()
    assert asyncio.run(locks.look()).broken_off == ()  # nothing of it was run, and others are not told of it any more


@pytest.mark.parametrize("halt", ["restart 1", "show 3", "show 4"])
def test_killed_after_it_was_begun_is_found_asked_and_settled(place: Path, halt: str) -> None:
    kill_at(place, halt)  # in the command; in the verification; while it has to stay up
    assert events(place) == ["begun"]
    (found,) = looked(place)
    assert (found.title, found.host, found.user) == (f"Restart {UNIT} on gpu-017", "gpu-017", "anna")
    assert found.said.startswith(f"{UNIT}: active (running), main process 4002")
    assert found.is_settled
    assert events(place) == ["begun", "settled"]
    assert verify(place / "audit.jsonl") is None
    assert looked(place) == ()


def test_what_is_under_way_in_another_instance_is_left_alone(place: Path) -> None:
    with halted_at(place, "restart 1") as process:
        assert looked(place) == ()
        process.kill()


def test_others_are_told_of_it_until_it_is_settled(place: Path) -> None:
    kill_at(place, "restart 1")

    async def others() -> None:
        desk = make_desk(place)
        desk.arm()
        (standing,) = (await desk.plan(RESTART)).standing
        assert (standing.rule, standing.may_be_overridden) == ("broken-off", True)
        assert "anna began restart on gpu-017" in standing.cause
        await BrokenOff(desk).look_again()
        plan = await desk.plan(RESTART)
        assert plan.standing == ()
        assert (await desk.run(plan, "")).kind is OutcomeKind.VERIFIED

    asyncio.run(others())
    assert events(place) == ["begun", "settled", "begun", "ended"]


@pytest.mark.parametrize("number", range(1, 10))
def test_killed_before_any_write_nothing_is_lost_and_nothing_is_run_twice(place: Path, number: int) -> None:
    command = [sys.executable, "-m", "tests.unit.actions.killed_scene", str(place), str(number)]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    told, starts = events(place), int((place / "starts").read_text())
    assert code == -signal.SIGKILL or told == ["begun", "ended"], "it was killed, or there are fewer writes than that"
    assert starts <= 2
    assert starts == 1 or told[:1] == ["begun"], "what was run is in the audit"
    assert all(one.is_settled for one in looked(place))
    assert int((place / "starts").read_text()) == starts, "it was asked, and not run again"
    assert events(place) in ([], ["begun", "settled"], ["begun", "ended"])
    if told:
        assert verify(place / "audit.jsonl") is None
    desk = make_desk(place)
    assert asyncio.run(desk.locks.look()).broken_off == ()
    desk.arm()
    plan = asyncio.run(desk.plan(RESTART))
    assert plan.standing == ()
    assert asyncio.run(desk.run(plan, "")).kind is OutcomeKind.VERIFIED
    assert verify(place / "audit.jsonl") is None


# What was begun, and cannot be asked like that


async def begun(scene: Scene, **fields: str) -> None:
    line = {"plan_id": "p1", "user": "anna", "action": "drain", "host": "gpu-017", "reason": "Xid 79"}
    await Audit(scene.audit).write("begun", T0 - 60, line | fields)


async def test_a_drain_is_asked_of_its_scheduler(scene: Scene) -> None:
    await begun(scene)
    scene.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: Xid 79"]
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    (found,) = broken_off.unfinished
    assert found.said.startswith("gpu-017 is IDLE+DRAIN")
    assert (found.begun_unix_s, found.is_settled) == (T0 - 60, True)
    assert scene.lines[-1].summary == f"it was broken off; asked again: {found.said}"
    assert scene.changes == []


async def test_a_host_that_cannot_be_asked_is_asked_at_the_next_look(scene: Scene) -> None:
    await begun(scene)
    scene.controller.instead["scontrol"] = LinkError(Fault(FaultKind.LINK_DROPPED, "no route to login1"))
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    assert broken_off.unfinished[0].said == "it could not be asked: no route to login1"
    assert not broken_off.unfinished[0].is_settled
    assert scene.events == ["begun"]
    del scene.controller.instead["scontrol"]
    await broken_off.look_again()
    assert broken_off.unfinished[0].is_settled
    assert scene.events == ["begun", "settled"]


async def test_a_host_of_another_fleet_is_told_and_not_settled(scene: Scene) -> None:
    await begun(scene)
    scene.desk.fleet = Fleet("other", ())
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    assert "not in this fleet" in broken_off.unfinished[0].said
    assert scene.events == ["begun"]


async def test_what_was_begun_on_another_machine_is_left_to_it_for_a_day(scene: Scene) -> None:
    await begun(scene, machine="bastion2")
    broken_off = BrokenOff(scene.desk, clock=lambda: scene.now, machine="bastion1")
    await broken_off.look_again()
    assert broken_off.unfinished[0].said == "it was begun on bastion2, which may still be at it"
    assert scene.events == ["begun"]
    scene.now += 24 * 3600
    await broken_off.look_again()
    assert broken_off.unfinished[0].is_settled


async def test_what_was_begun_on_this_machine_is_asked(scene: Scene) -> None:
    await begun(scene, machine="bastion1")
    broken_off = BrokenOff(scene.desk, clock=lambda: scene.now, machine="bastion1")
    await broken_off.look_again()
    assert broken_off.unfinished[0].is_settled


@pytest.mark.parametrize("action", ["custom/gone", "no such action", ""])
async def test_an_action_that_there_is_no_more_is_settled_with_what_is_known(scene: Scene, action: str) -> None:
    await begun(scene, action=action)
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    assert broken_off.unfinished[0].is_settled
    assert "cannot be told" in broken_off.unfinished[0].said


async def test_what_stands_in_the_way_of_doing_it_again_is_how_it_stands(scene: Scene) -> None:
    await begun(scene, action=ActionName.RESTART_UNIT, unit=UNIT)
    scene.systemd.load = "not-found"
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    assert "not-found" in broken_off.unfinished[0].said


async def test_an_audit_that_cannot_be_written_leaves_it_unsettled(scene: Scene) -> None:
    await begun(scene)
    scene.audit.with_name("audit.jsonl.head").unlink()
    scene.audit.with_name("audit.jsonl.head").mkdir()
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    assert not broken_off.unfinished[0].is_settled
    assert "cannot be written" in broken_off.unfinished[0].said


async def test_rubbish_in_the_audit_is_no_traceback(scene: Scene) -> None:
    await begun(scene, unit="\x1b[31m", params="x")
    with scene.audit.open("ab") as file:
        file.write(
            b'rubbish\n{"event":"begun","plan_id":3}\n{"event":"begun","plan_id":"q","params":[1],"t_unix_s":"x"}\n'
        )
    broken_off = BrokenOff(scene.desk)
    await broken_off.look_again()
    assert len(broken_off.unfinished) == 2
