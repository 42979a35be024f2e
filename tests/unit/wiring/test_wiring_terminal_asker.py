"""Questions on the terminal: one at a time, each once, whatever hosts wait for it."""

import asyncio

import pytest

from leptontui.model.question import Question, QuestionKind
from leptontui.wiring import terminal
from leptontui.wiring.terminal import TerminalAsker

PASSWORD = Question("p", QuestionKind.PASSWORD, "oncall@gpus", "password of oncall", hosts=("a", "b"), waiting=5)


@pytest.fixture
def prompts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked; every answer is the number of questions so far."""
    asked: list[str] = []

    def getpass(prompt: str) -> str:
        asked.append(prompt)
        return f"secret {len(asked)}"

    monkeypatch.setattr(terminal.getpass, "getpass", getpass)
    return asked


async def test_many_hosts_ask_once(prompts: list[str]) -> None:
    asker = TerminalAsker()
    answers = await asyncio.gather(*(asker.ask(PASSWORD) for _ in range(5)))
    assert answers == ["secret 1"] * 5
    assert prompts == ["password of oncall (for a, b and 3 more): "]


async def test_another_attempt_is_another_question(prompts: list[str]) -> None:
    asker = TerminalAsker()
    again = Question("p", QuestionKind.PASSWORD, "oncall@gpus", "password of oncall", attempt=2)
    assert [await asker.ask(PASSWORD), await asker.ask(again)] == ["secret 1", "secret 2"]
    assert prompts[1] == "wrong, once more: password of oncall: "


async def test_no_terminal_declines(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(terminal.getpass, "getpass", end)
    assert await TerminalAsker().ask(PASSWORD) is None


async def test_a_touch_is_only_announced(prompts: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    touch = Question("t", QuestionKind.TOUCH, "key", "touch your security key")
    await TerminalAsker().ask(touch)
    assert prompts == []
    assert "touch your security key" in capsys.readouterr().err
