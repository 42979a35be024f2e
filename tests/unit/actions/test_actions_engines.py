"""Docker and Podman through real processes: a stub in the place of their command lines, since no engine runs here.

The stub is a program called docker and podman on this machine's PATH. What is shown is that the vectors arrive as they
were meant and that the answers are read; what Docker itself does with them is not shown.
"""

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from leptontui.actions.runner import carry_out
from leptontui.errors import ActionError
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.target import HostTarget
from leptontui.transport.local import LocalTransport
from tests.unit.actions.services_stage import Stage

STUB = """\
#!{python}
import json, pathlib, sys
state = pathlib.Path({state!r})
boxes = json.loads(state.read_text())
words = sys.argv[1:]
with pathlib.Path({log!r}).open("a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
def inspect(name):
    box = next((box for box in boxes if name in (box["Name"], box["Id"])), None)
    if box is None:
        sys.exit("Error: No such container: " + name)
    parts = [box["Id"], "/" + box["Name"], box["Image"], 0, box["State"]]
    print(*map(json.dumps, parts))
def start(names):
    for box in boxes:
        if box["Name"] in names:
            box["State"]["StartedAt"] += "+"
            print(box["Name"])
if words[0] == "inspect":
    assert words[1:5] == ["--type", "container", "--format", {format!r}], words
    inspect(words[5])
elif words[0] == "restart":
    start(words[1:])
elif words[0] == "logs":
    sys.stderr.write("the last words\\n")
elif words[:2] == ["compose", "--project-directory"]:
    folder, verb, *rest = words[2:]
    if verb == "ps":
        print(*(box["Id"] for box in boxes), sep="\\n")
    elif verb == "up":
        count = int(rest[rest.index("--scale") + 1].partition("=")[2])
        boxes = [dict(boxes[0], Id=format(n, "064x"), Name="api-%d" % n) for n in range(count)]
        sys.stderr.write("\\r".join(" Container api-%d  Started" % n for n in range(count)) + "\\n")
    else:
        sys.exit("unknown compose command " + verb)
else:
    sys.exit("unknown command " + words[0])
state.write_text(json.dumps(boxes))
"""
FORMAT = "{{json .Id}} {{json .Name}} {{json .Config.Image}} {{json .RestartCount}} {{json .State}}"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[list[str]]]:
    """Put the stub on the PATH; returns what reads the vectors that it was called with."""
    state, log = tmp_path / "state.json", tmp_path / "log"
    box = {"Id": "ab" * 32, "Name": "vllm", "Image": "vllm:v0.9"}
    state.write_text(json.dumps([{**box, "State": {"Status": "running", "Running": True, "StartedAt": "x"}}]))
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "podman"):
        program = folder / name
        program.write_text(STUB.format(python=sys.executable, state=str(state), log=str(log), format=FORMAT))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


def stage_of(unit: str) -> Stage:
    stage = Stage(lambda _: pytest.fail("nothing is scripted here"), HostTarget("here", units=(unit,), is_local=True))
    stage.transport = LocalTransport()  # type: ignore[assignment]
    return stage


@pytest.mark.parametrize("program", ["docker", "podman"])
async def test_a_container_is_really_asked_restarted_and_watched(
    engine: Callable[[], list[list[str]]], program: str
) -> None:
    stage = stage_of(f"{program}:vllm")
    prepared = await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "here", unit=f"{program}:vllm"))
    outcome = await carry_out(prepared, stage.record, lambda: stage.now, tell=stage.told.append, sleep=stage.sleep)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert [call for call in engine() if call[0] != "inspect"] == [["restart", "vllm"]]
    assert "vllm" in stage.told


async def test_a_compose_service_is_scaled_and_its_progress_is_told(engine: Callable[[], list[list[str]]]) -> None:
    unit = "compose:/srv/vllm/api"
    stage = stage_of(unit)
    request = ActionRequest(ActionName.SCALE, "here", unit=unit, params=(("replicas", "2"),))
    outcome = await stage.run(await stage.prepare(request))
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    changed = next(call for call in engine() if "up" in call)
    assert changed[2:] == ["/srv/vllm", "up", "--detach", "--no-recreate", "--no-deps", "--scale", "api=2", "api"]
    assert "Container api-1 Started" in stage.told


async def test_a_container_that_is_not_there_is_said(engine: Callable[[], list[list[str]]]) -> None:
    stage = stage_of("docker:gone")
    with pytest.raises(ActionError, match="No such container: gone"):
        await stage.prepare(ActionRequest(ActionName.RESTART_UNIT, "here", unit="docker:gone"))
