"""What a login asks: told, answered without showing what is typed, declined; nothing pops up by itself."""

from dataclasses import replace

import pytest
from fleet_pilot import FleetPilot
from fleets import FakeAccess, FakeSource, train_fleet
from rich_fleet import QUESTION
from textual.widgets import Input

from leptontui.model.question import QuestionKind
from leptontui.ui.screens import question
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.question import QuestionScreen


@pytest.fixture
def access():
    return FakeAccess()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """Tests type as soon as the dialog is up."""
    monkeypatch.setattr(question, "SETTLE_S", 0.0)
    monkeypatch.setattr(QuestionScreen.__init__, "__kwdefaults__", {"settle_s": 0.0})


def asked(*questions):
    return FakeSource(train_fleet(questions=questions))


async def test_it_is_told_and_opened_by_a_key(access):
    stage = FleetPilot(asked(QUESTION), access=access)
    async with stage.run(notifications=True):
        assert isinstance(stage.app.screen, FleetScreen), "nothing pops up by itself"
        assert "▲ a login asks: Passphrase: /home/oncall/.ssh/id_ed25519 a answers" in stage.text
        assert stage.notices.count("id_ed25519") == 1
        await stage.publish(train_fleet(questions=(QUESTION,), seq=2))
        assert stage.notices.count("id_ed25519") == 1, "told once"
        await stage.press("a")
        assert "40 hosts wait: gpu-012, gpu-013 and 38 more" in stage.text


async def test_a_wrong_answer_is_told_though_the_dialog_has_gone(access):
    stage = FleetPilot(asked(QUESTION), access=access)
    async with stage.run(notifications=True):
        await stage.press("a")
        await stage.type("wrong")
        await stage.press("enter")
        assert "not right" not in stage.notices
        await stage.publish(train_fleet(questions=(replace(QUESTION, attempt=2),), seq=2))
        assert stage.notices.count("that was not right") == 1
        await stage.publish(train_fleet(questions=(replace(QUESTION, attempt=2),), seq=3))
        assert stage.notices.count("that was not right") == 1


async def test_what_is_typed_is_hidden_and_handed_over_as_it_is(access):
    stage = FleetPilot(asked(QUESTION), access=access)
    async with stage.run():
        await stage.press("a")
        await stage.type("s3cret q")
        assert "s3cret" not in stage.text
        assert stage.app.screen.query_one(Input).value == "s3cret q"
        await stage.press("enter")
        assert access.answers == [("q1", "s3cret q")]
        assert isinstance(stage.app.screen, FleetScreen)


async def test_escape_declines(access):
    stage = FleetPilot(asked(QUESTION), access=access)
    async with stage.run():
        await stage.press("a")
        await stage.type("half")
        await stage.press("escape")
        assert access.answers == [("q1", None)]
        assert isinstance(stage.app.screen, FleetScreen)


async def test_a_code_that_may_be_seen_is_shown_and_a_wrong_answer_is_told(access):
    code = replace(QUESTION, kind=QuestionKind.CODE, prompt="Verification code:", is_hidden=False, attempt=2)
    stage = FleetPilot(asked(code), access=access)
    async with stage.run(80, 24):
        await stage.press("a")
        assert "✖ that was not right: attempt 2" in stage.text
        assert "Used once" in stage.text
        await stage.type("424242")
        assert "Verification code: 424242" in stage.text


async def test_a_touch_is_not_typed(access):
    touch = replace(QUESTION, kind=QuestionKind.TOUCH, prompt="touch the key", hosts=(), waiting=0)
    stage = FleetPilot(asked(touch), access=access)
    async with stage.run():
        await stage.press("a")
        assert "Touch the security key" in stage.text
        assert not stage.app.screen.query(Input)
        await stage.press("enter")
        assert access.answers == []
        await stage.press("escape")
        assert access.answers == [("q1", None)]


async def test_the_eldest_first_and_the_number_of_others(access):
    stage = FleetPilot(asked(QUESTION, replace(QUESTION, id="q2", subject="oncall@bastion1")), access=access)
    async with stage.run():
        assert "and 1 more" in stage.text
        await stage.press("a", "x", "enter")
        await stage.publish(train_fleet(questions=(replace(QUESTION, id="q2", subject="oncall@bastion1"),), seq=2))
        await stage.press("a")
        assert "oncall@bastion1" in stage.text


async def test_prompts_of_hosts_are_texts(access):
    evil = replace(QUESTION, prompt="[red]\x1b[2JPass\u202e:", subject="\x9b31m[b]x", hosts=("\x1b]0;a\x07h",))
    stage = FleetPilot(asked(evil), access=access)
    async with stage.run():
        await stage.press("a")
        assert "[red] Pass:" in stage.text
        assert not [char for char in stage.text.replace("\n", "") if ord(char) < 32 or char in "\x7f\x9b\u202e"]


async def test_no_question_no_dialog(access):
    stage = FleetPilot(FakeSource(train_fleet()), access=access)
    async with stage.run(notifications=True):
        await stage.press("a")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "no login asks for anything" in stage.notices


async def test_without_an_access_port_nothing_is_asked():
    stage = FleetPilot(asked(QUESTION))
    async with stage.run(notifications=True):
        await stage.press("a")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "a answers" not in stage.text


async def test_the_dialog_follows_what_is_asked_and_goes_with_it(access):
    stage = FleetPilot(asked(QUESTION), access=access)
    async with stage.run(notifications=True):
        await stage.press("a", "x")
        await stage.publish(train_fleet(questions=(replace(QUESTION, attempt=2, waiting=41),), seq=2))
        assert "attempt 2" in stage.text
        assert stage.app.screen.query_one(Input).value == "x", "what was typed stays"
        await stage.publish(train_fleet(seq=3))
        assert isinstance(stage.app.screen, FleetScreen)
        assert "not asked any more" in stage.notices
        assert access.answers == []


class Clumsy(FakeAccess):
    def answer(self, question_id, text):
        raise RuntimeError("gpu-007 said \x1b]0;owned\x07")


async def test_a_failure_of_the_screen_tells_no_secret_and_nothing_unescaped(capsys, caplog):
    stage = FleetPilot(asked(QUESTION), access=Clumsy())

    async def answer():
        async with stage.run():
            await stage.press("a")
            await stage.type("hunter2")
            await stage.press("enter")

    with pytest.raises(RuntimeError, match="gpu-007"):
        await answer()
    told = capsys.readouterr().err
    assert "leptontui failed: RuntimeError: gpu-007 said" in told
    assert "hunter2" not in told
    assert "\x1b]" not in told
    assert "Traceback" in caplog.text
    assert "hunter2" not in caplog.text
