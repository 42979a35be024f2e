"""The first run: what could be watched is named, and nothing wrong with it keeps anybody from looking."""

from pathlib import Path

import pytest

from leptontui.wiring.first_run import how_to_add_hosts


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("Host gpu1 gpu2 login1 infer1\n", "names gpu1, gpu2, login1 and 1 more: --ssh-hosts '*'"),
        ("Host gpu1\n", "names gpu1: --ssh-hosts '*'"),
        ("Host *\n  User x\n", "only. Add hosts with -H"),
        (None, "only. Add hosts with -H"),
    ],
)
def test_what_could_be_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: str | None, words: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    if config is not None:
        (tmp_path / ".ssh/config").write_text(config)
    assert words in how_to_add_hosts()
