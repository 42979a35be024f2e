"""`leptontui act` and `runbook run`: what is asked, what is printed, and the exit codes; over a scripted hand."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from leptontui.actions.reach import Verdict
from leptontui.actions.rollouts import Rollouts
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.actions.runbook_run import Means
from leptontui.actions.runbooks import Runbooks
from leptontui.cli import main
from leptontui.config.runbooks import load_runbooks
from leptontui.errors import GuardRefused
from leptontui.model.action import OutcomeKind, Standing
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Activity
from leptontui.model.target import Fleet, HostTarget
from leptontui.wiring import act, headless, runbook
from leptontui.wiring.doing import worst
from tests.unit.actions.hand_scene import T0, ScriptedHand

FLEET = Fleet("lab", tuple(HostTarget(f"h{n}") for n in range(1, 5)))
RESTART = ("act", "restart", "h[1-3]", "--unit", "vllm.service")


class HandPort:
    """A command port over a scripted hand: the rollouts and runbooks are the real ones."""

    def __init__(self, hand: ScriptedHand, folder: Path) -> None:
        async def ask(condition: str, host: str, unit: str) -> Verdict:
            return Verdict(is_so=condition not in self.untrue, said=f"{condition} of {host}")

        async def sleep(seconds: float) -> None:
            hand.now += seconds
            await asyncio.sleep(0)

        self.hand = hand
        hand.armed_until_unix_s = None
        self.untrue: set[str] = set()
        self.rollouts = Rollouts(hand, clock=hand.clock)
        means = Means(hand, ask, RunbookFiles(folder), hand.clock, sleep, lambda: None)
        self.books = Runbooks(means, shelf=lambda: load_runbooks(SHIPPED), knows=lambda _: True, user="anna")

    def arm(self) -> float:
        self.hand.armed_until_unix_s = T0 + 900
        return T0 + 900

    def disarm(self) -> None:
        self.hand.armed_until_unix_s = None

    def said(self, plan_id: str) -> tuple[str, ...]:
        return self.hand.said(plan_id)

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        return self.hand.specs

    @property
    def activity(self) -> Activity:
        return Activity(self.rollouts.shown, self.books.shown)

    def __getattr__(self, name: str) -> Any:
        methods: dict[str, Any] = {
            "plan_rollout": self.rollouts.plan,
            "start_rollout": self.rollouts.start,
            "steer_rollout": self.rollouts.steer,
            "start_runbook": self.books.start,
            "plan_step": self.books.plan_step,
            "run_step": self.books.run_step,
            "steer_runbook": self.books.steer,
            "look_again": self.books.look_again,
        }
        return methods[name]


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "log_to_file", lambda: None)


@pytest.fixture
def hand() -> ScriptedHand:
    return ScriptedHand()


@pytest.fixture
def port(hand: ScriptedHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HandPort:
    """The port that every command is given; the inventory is FLEET, and every link is decided."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = HandPort(hand, tmp_path / "state" / "leptontui" / "runbooks")

    async def with_port(book: object, doing: Any, use: Callable[[Any, Any], Awaitable[int]]) -> int:
        return await use(made, SimpleNamespace(fleet=FLEET))

    async def settled(*_: object, is_whole: bool = False) -> None:
        return

    for module in (act, runbook):
        monkeypatch.setattr(module, "with_port", with_port)
        monkeypatch.setattr(module, "settled", settled)
    return made


def typed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([*words, "-H", "h[1-4]"])
    said = capsys.readouterr()
    return code, said.out, said.err


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, output, _ = typed(capsys, *words, "--json")
    document: dict[str, Any] = json.loads(output)
    assert document["exit_code"] == code
    return document


Capture = pytest.CaptureFixture[str]


def test_it_is_planned_printed_and_done_where_the_count_is_right(port: HandPort, capsys: Capture) -> None:
    code, output, _ = typed(capsys, *RESTART, "--yes", "3")
    assert code == 0
    assert "root@h1$ systemctl restart vllm.service" in output
    assert output.rstrip().endswith("ended: 3 verified")
    assert port.hand.hosts_run == ["h1", "h2", "h3"]


@pytest.mark.parametrize(("given", "why"), [((), "nothing is done without --yes"), (("--yes", "2"), "done on 3")])
def test_without_the_count_nothing_is_done(port: HandPort, capsys: Capture, given: Sequence[str], why: str) -> None:
    code, _, complaints = typed(capsys, *RESTART, *given)
    assert code == 4
    assert why in complaints
    assert "--yes 3 does it" in complaints
    assert port.hand.ran == []


def test_a_dry_run_does_nothing_whatever_the_count(port: HandPort, capsys: Capture) -> None:
    code, output, _ = typed(capsys, *RESTART, "--dry-run", "--yes", "3")
    assert code == 0
    assert "Restart vllm.service on 3 hosts: serial" in output
    assert port.hand.ran == []
    assert port.hand.armed_until_unix_s is None


def test_a_dry_run_tells_what_would_refuse_it(port: HandPort, capsys: Capture) -> None:
    port.hand.together = (
        Standing("blast-fleet", "3 of 4 would be out", set_in="policy.toml:3", may_be_overridden=True),
    )
    code, output, _ = typed(capsys, *RESTART, "--dry-run")
    assert code == 4
    assert "blast-fleet: 3 of 4 would be out [policy.toml:3]; --override WHY sets it aside" in output
    assert typed(capsys, *RESTART, "--dry-run", "--override", "it burns down")[0] == 0


@pytest.mark.parametrize(
    ("end", "code", "state"),
    [
        (OutcomeKind.FAILED, 1, "failed"),
        (OutcomeKind.NOT_VERIFIED, 2, "not-verified"),
        (GuardRefused("not-live", "h2 is lost"), 4, "refused"),
        (OutcomeKind.UNKNOWN, 5, "unknown"),
    ],
)
def test_each_end_has_its_code_and_the_rest_is_left(
    port: HandPort, capsys: Capture, end: OutcomeKind, code: int, state: str
) -> None:
    port.hand.ends["h2"] = end
    document = told(capsys, *RESTART, "--yes", "3")
    assert document["exit_code"] == code
    assert {one["host"]: one["state"] for one in document["rollout"]["targets"]} == {
        "h1": "verified",
        "h2": state,
        "h3": "skipped",
    }
    assert port.hand.hosts_run == ["h1", "h2"]


def test_a_host_that_cannot_be_planned_is_no_success(port: HandPort, capsys: Capture) -> None:
    port.hand.unplannable["h3"] = "no such unit"
    assert typed(capsys, *RESTART, "--yes", "3")[0] == 4
    code, output, _ = typed(capsys, *RESTART, "--yes", "2")
    assert code == 3
    assert "h3: nothing can be done: no such unit" in output
    assert port.hand.hosts_run == ["h1", "h2"]


def test_what_wants_words_of_its_own_is_not_done_for_a_count(port: HandPort, capsys: Capture) -> None:
    port.hand.confirmations["h1"] = "h1 force"
    words = ("act", "drain", "h1", "--reason", "x", "--param", "force=yes", "--yes", "1")
    code, _, complaints = typed(capsys, *words)
    assert code == 4
    assert "--confirm 'h1 force'" in complaints
    assert typed(capsys, *words, "--confirm", "h1 force")[0] == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("act", "dance", "h1"), "no action dance"),
        (("act", "restart", "h9", "--unit", "x.service"), "h9 is not in the inventory"),
        (("act", "restart", "h[1-", "--unit", "x.service"), "TARGETS"),
        (("act", "restart", "h1,h2", "--unit", "x.service", "--pace", "at-once"), "not done on all at once"),
        (("runbook", "run", "gpu-rest", "h1"), 'did you mean "gpu-reset"'),
        (("runbook", "run", "gpu-reset", "h9"), "not in the inventory"),
        (("runbook", "run", "gpu-reset", "h1", "--param", "colour=red"), "no parameter 'colour'"),
        (("runbook", "run", "gpu-reset"), "NAME and HOST"),
        (("runbook", "run", "--skip", "gpu-reset", "h1"), "together with --resume"),
        (("runbook", "run", "--resume", "../../etc/passwd"), "is under way"),
    ],
)
def test_what_makes_no_sense_is_said_with_3(port: HandPort, capsys: Capture, words: Sequence[str], why: str) -> None:
    code, _, complaints = typed(capsys, *words)
    assert code == 3
    assert why in complaints
    assert port.hand.ran == []


def test_no_host_is_waited_for_where_the_action_makes_no_sense(
    port: HandPort, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def settled(*_: object, is_whole: bool = False) -> None:
        raise AssertionError("hosts were waited for")

    monkeypatch.setattr(act, "settled", settled)
    code, _, complaints = typed(capsys, "act", "retsart", "h1", "--yes", "1")
    assert code == 3
    assert "there is no action retsart" in complaints
    assert 'did you mean "restart"?' in complaints
    code, _, complaints = typed(capsys, "act", "restart", "h1", "--yes", "1")
    assert code == 3
    assert "none is named — name it with --unit" in complaints
    assert port.hand.ran == []


def test_read_only_means_that_there_is_no_way_to_act(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    code, output, complaints = typed(capsys, "--read-only", *RESTART, "--yes", "3")
    assert code == 4
    assert "--read-only" in complaints
    assert output == ""


def test_what_a_host_says_reaches_the_terminal_only_as_text(port: HandPort, capsys: Capture) -> None:
    port.hand.unplannable = {"h2": "no \x1b]0;owned\x07unit \u202e"}
    port.hand.voices["p1"] = ("\x1b[2Jgone",)
    _, output, complaints = typed(capsys, *RESTART, "--yes", "2")
    assert all(line.isprintable() for line in [*output.split("\n"), *complaints.split("\n")])


class HungUp:
    """A terminal that is gone."""

    def write(self, _: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")

    def fileno(self) -> int:
        raise OSError(9, "Bad file descriptor")

    def isatty(self) -> bool:
        return True


def test_a_terminal_that_hangs_up_breaks_nothing_off(port: HandPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", HungUp())
    monkeypatch.setattr(sys, "stderr", HungUp())
    assert main([*RESTART, "-H", "h[1-4]", "--yes", "3"]) == 0
    assert port.hand.hosts_run == ["h1", "h2", "h3"]


def test_an_interrupt_ends_what_was_begun_and_leaves_the_rest(port: HandPort, capsys: Capture) -> None:
    run_part = port.hand.run_part

    async def interrupted(plan: Any, **rest: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.3)
        return await run_part(plan, **rest)

    port.hand.run_part = interrupted  # type: ignore[method-assign]
    document = told(capsys, *RESTART, "--yes", "3")
    assert document["exit_code"] == 130
    assert [one["state"] for one in document["rollout"]["targets"]] == ["verified", "skipped", "skipped"]


def test_the_worst_end_decides() -> None:
    assert [worst(codes) for codes in ([], [0, 0], [0, 3], [4, 3], [2, 4], [1, 2], [5, 1])] == [0, 0, 3, 4, 2, 1, 5]


def test_a_runbook_says_its_steps_and_wants_the_count_of_its_actions(port: HandPort, capsys: Capture) -> None:
    code, output, complaints = typed(capsys, "runbook", "run", "gpu-reset", "h1")
    assert code == 4
    assert " 4. Reset GPU all of h1" in output
    assert "--yes 4 does it" in complaints
    assert typed(capsys, "runbook", "run", "gpu-reset", "h1", "--yes", "3")[0] == 4
    assert port.books.shown == ()


def test_a_runbook_is_gone_through_to_its_end(port: HandPort, capsys: Capture) -> None:
    document = told(capsys, "runbook", "run", "gpu-reset", "h1", "--param", "gpu=3", "--yes", "4")
    assert document["exit_code"] == 0
    assert document["run"]["state"] == "ended"
    assert {step["state"] for step in document["run"]["steps"]} == {"verified"}
    assert port.hand.hosts_run == ["h1"] * 4
    assert port.hand.ran[0][2] == "h1 typed"


def test_a_runbook_that_stops_is_resumed_where_it_stopped(port: HandPort, capsys: Capture) -> None:
    port.untrue.add("gpus-answer")
    document = told(capsys, "runbook", "run", "gpu-reset", "h1", "--yes", "4")
    assert document["exit_code"] == 2
    run_id = document["run"]["run_id"]
    assert document["run"]["at"] == 4
    port.untrue.clear()
    assert typed(capsys, "runbook", "run", "--resume", run_id, "--yes", "4")[0] == 4
    code, output, _ = typed(capsys, "runbook", "run", "--resume", run_id, "--yes", "1")
    assert code == 0
    assert " 5. Check that every GPU of h1 answers its driver — verified: gpus-answer of h1" in output
    assert port.hand.hosts_run == ["h1"] * 4


def test_a_step_that_does_not_end_well_can_be_skipped(port: HandPort, capsys: Capture) -> None:
    port.untrue.add("gpus-answer")
    run_id = told(capsys, "runbook", "run", "gpu-reset", "h1", "--yes", "4")["run"]["run_id"]
    document = told(capsys, "runbook", "run", "--resume", run_id, "--skip", "--yes", "1")
    assert document["exit_code"] == 0
    assert document["run"]["steps"][4]["state"] == "skipped"


def test_what_there_is_is_listed(port: HandPort, capsys: Capture) -> None:
    assert main(["actions"]) == 0
    assert "drain --reason WHY" in capsys.readouterr().out
    assert main(["actions", "--json"]) == 0
    assert {one["name"] for one in json.loads(capsys.readouterr().out)["actions"]} >= {"restart", "drain"}
    told(capsys, "runbook", "run", "gpu-reset", "h1", "--yes", "4")
    port.untrue.add("drained-and-empty")
    run_id = told(capsys, "runbook", "run", "gpu-reset", "h2", "--yes", "4")["run"]["run_id"]
    assert main(["runbook", "list"]) == 0
    listed = capsys.readouterr().out
    assert "gpu-reset HOST [--param why=…] [--param gpu=…]" in listed
    assert f"under way: {run_id}: gpu-reset on h2, stopped: step 2" in listed
    assert main(["runbook", "list", "--json"]) == 0
    assert [one["run_id"] for one in json.loads(capsys.readouterr().out)["under_way"]] == [run_id]


def test_a_file_of_runbooks_is_checked(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[runbook]]\nname = "x"\nmeaning = "y"\n[[runbook.step]]\naction = "drian"\n')
    assert main(["runbook", "check", str(file)]) == 3
    assert f"{file}:5: runbook 1: step 1: action: 'drian'; did you mean \"drain\"?" in capsys.readouterr().err
    file.write_text('[[runbook]]\nname = "x"\nmeaning = "y"\n[[runbook.step]]\ncheck = "drained"\n')
    assert main(["runbook", "check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runbooks"] == ["x"]
