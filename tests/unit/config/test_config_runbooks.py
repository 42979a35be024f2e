"""Runbook files: what can be understood, and every mistake with its line."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.config.runbooks import load_runbooks, runbook_folder
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.runbook import TaskKind

CASES = Path(__file__).parent / "runbooks"
GOOD = """\
[[runbook]]
name = "swap"
meaning = "Swap it."
[[runbook.parameter]]
name = "why"
meaning = "why"
pattern = "[a-z ]+"
default = "new driver"
[[runbook.step]]
action = "drain"
reason = "{why}"
params = { force = "yes" }
[[runbook.step]]
wait = "drained-and-empty"
limit_s = 14400
[[runbook.step]]
check = "unit-active"
unit = "vllm.service"
[[runbook.step]]
check = "custom/burn-in"
title = "Burn in {host}"
"""
SPECS = {**SHIPPED, "custom/burn-in": replace(SHIPPED["evidence"], name="custom/burn-in", title="Burn in")}


def test_every_mistake_is_told_with_its_line() -> None:
    file = CASES / "broken.toml"
    shelf = load_runbooks(SHIPPED, [file])
    told = [str(problem).replace(str(file), "broken.toml") for problem in shelf.problems]
    assert told == (CASES / "broken.txt").read_text().splitlines()
    assert all(runbook.source == "shipped" for runbook in shelf.runbooks.values())


def test_the_shipped_ones_are_without_fault() -> None:
    shelf = load_runbooks(SHIPPED, [])
    assert shelf.problems == ()
    assert {"gpu-reset", "reboot", "restart-service"} <= set(shelf.runbooks)
    kinds = [task.action or task.condition for task in shelf.runbooks["gpu-reset"].tasks]
    assert kinds == ["drain", "drained-and-empty", "evidence", "gpu-reset", "gpus-answer", "undrain", "in-service"]


def test_steps_are_read_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    shelf = load_runbooks(SPECS, [file], is_alone=True)
    assert shelf.problems == ()
    swap = shelf.runbooks["swap"]
    assert swap.source == f"{file}:1"
    drain, wait, check, own = swap.tasks
    assert (drain.kind, drain.action, drain.reason, drain.params) == (
        TaskKind.ACTION,
        "drain",
        "{why}",
        (("force", "yes"),),
    )
    assert (wait.kind, wait.condition, wait.limit_s) == (TaskKind.WAIT, "drained-and-empty", 14400.0)
    assert (check.kind, check.condition, check.unit) == (TaskKind.CHECK, "unit-active", "vllm.service")
    assert (own.kind, own.action, own.title) == (TaskKind.CHECK, "custom/burn-in", "Burn in {host}")


def test_the_users_folder_is_read_by_name_and_one_broken_file_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = runbook_folder()
    folder.mkdir(parents=True)
    (folder / "b.toml").write_text(GOOD)
    (folder / "a.toml").write_text("[[runbook]\n")
    (folder / "notes.txt").write_text("not read")
    shelf = load_runbooks(SPECS)
    assert "swap" in shelf.runbooks
    assert [str(problem) for problem in shelf.problems] == [
        f"{folder}/a.toml:1: not TOML: Expected ']]' at the end of an array declaration"
    ]


def test_a_file_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD)
    file.chmod(0o666)
    shelf = load_runbooks(SPECS, [file], is_alone=True)
    assert not shelf.runbooks
    assert "may be written by everybody" in str(shelf.problems[0])


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    shelf = load_runbooks(SPECS, [tmp_path / "none.toml"], is_alone=True)
    assert len(shelf.problems) == 1


@given(st.text(max_size=400))
def test_no_text_makes_it_raise(text: str) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".toml", errors="surrogatepass") as file:
        file.write(text)
        file.flush()
        shelf = load_runbooks(SPECS, [Path(file.name)], is_alone=True)
    assert all(str(problem).isprintable() for problem in shelf.problems)


VALUES = st.recursive(
    st.sampled_from(['"drain"', '"{host}"', '"{"', '"custom/x"', "3", "true", "1.5", '"a\\u001bb"', "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    max_leaves=3,
)
KEYS = st.sampled_from(["name", "meaning", "action", "check", "wait", "unit", "reason", "params", "limit_s", "title"])


@given(
    st.lists(
        st.tuples(st.sampled_from(["runbook", "runbook.step", "runbook.parameter"]), st.dictionaries(KEYS, VALUES)),
        max_size=5,
    )
)
def test_no_mixture_of_values_makes_it_raise(tables: list[tuple[str, dict[str, str]]]) -> None:
    import tempfile

    text = "\n".join(
        f"[[{name}]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items()) for name, keys in tables
    )
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        shelf = load_runbooks(SPECS, [Path(file.name)], is_alone=True)
    assert all(str(problem).isprintable() for problem in shelf.problems)
