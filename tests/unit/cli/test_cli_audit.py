"""`leptontui audit`: what it shows, what it finds, and its exit codes."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from leptontui.actions.audit import Audit, Json
from leptontui.actions.audit_head import head_path
from leptontui.cli import main


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def write(path: Path, event: str, ago_s: float = 0.0, **fields: Json) -> None:
    audit = Audit(path, sudo_user="bea")
    asyncio.run(audit.write(event, time.time() - ago_s, {"user": "anna", "action": "drain", **fields}))


def audit(path: Path, *words: str) -> int:
    return main(["audit", words[0], "--file", str(path), *words[1:]])


def test_it_shows_who_did_what_where_and_what_came_of_it(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps: Json = [{"host": "login1", "login": "anna@login1", "argv": ["scontrol", "update", "reason=anna: Xid 79"]}]
    write(path, "begun", 9, host="gpu-017", plan_id="p", steps=steps)
    write(path, "ended", host="gpu-017", plan_id="p", outcome="verified", summary="it drains\x1b[31m")
    assert audit(path, "show") == 0
    begun, ended = capsys.readouterr().out.splitlines()
    assert "anna (sudo: bea)  begun  drain gpu-017" in begun
    assert begun.endswith("login1$ scontrol update 'reason=anna: Xid 79'")
    assert "ended  drain gpu-017  verified  it drains" in ended
    assert "\x1b" not in ended


def test_it_shows_only_what_is_asked_for(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, "refused", 3 * 86_400, host="gpu-001")
    for host in ("gpu-001", "gpu-002", "gpu-002"):
        write(path, "refused", host=host)
    audit(path, "show", "GPU-001", "--since", "2d", "--json")
    assert [json.loads(line)["host"] for line in capsys.readouterr().out.splitlines()] == ["gpu-001"]
    audit(path, "show", "--limit", "3", "--json")
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("since", ["yesterday", "", "-2d", "0s"])
def test_what_is_no_span_is_said(path: Path, since: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(path, "show", f"--since={since}") == 3
    assert "--since" in capsys.readouterr().err


def test_an_audit_that_can_be_trusted(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, "begun")
    assert audit(path, "verify") == 0
    assert "1 line, none was edited" in capsys.readouterr().out


def test_a_line_that_cannot_be_trusted_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        write(path, "begun")
    path.write_bytes(path.read_bytes().replace(b"anna", b"john", 1))
    assert audit(path, "verify") == 2
    assert capsys.readouterr().out.startswith(f"{path}:2: does not follow from the line before it")
    assert audit(path, "verify", "--json") == 2
    assert json.loads(capsys.readouterr().out)["bad"] == {
        "line": 2,
        "reason": "does not follow from the line before it: one of them was edited, or lines moved or taken out",
    }


def test_what_cannot_be_told_is_said(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, "begun")
    head_path(path).unlink()
    assert audit(path, "verify") == 1
    assert "whether lines were cut off its end is not known" in capsys.readouterr().out


def test_an_audit_that_is_gone_is_told_by_its_head(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, "begun")
    path.unlink()
    assert audit(path, "verify") == 2
    assert "there were 1 lines" in capsys.readouterr().out


def test_no_audit_at_all_is_no_traceback(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(path, "verify") == 3
    assert audit(path, "show") == 0
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_in_its_place_is_no_traceback(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.mkdir()
    assert audit(path, "verify") == 3
    assert audit(path, "show") == 3
    assert capsys.readouterr().err.count("cannot be read") == 2


@pytest.mark.parametrize(
    "line",
    [b"[]", b"{}", b'{"t_unix_s": "x", "steps": 3, "argv": {}}', b"\xff\xfe", b"[" * 9999, b'{"t_unix_s": 1e308}'],
)
def test_rubbish_is_shown_without_a_traceback(path: Path, line: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(line + b"\n" + b'{"event":"begun","steps":[1,{"argv":3}],"t_unix_s":9e9}\n')
    assert audit(path, "show") == 0
    assert audit(path, "verify") == 2
    assert "Traceback" not in capsys.readouterr().err
