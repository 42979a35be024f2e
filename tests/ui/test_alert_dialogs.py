"""Acknowledging and silencing: what the port is told, what is refused, and that no key counts before it was read."""

import time
from datetime import UTC, datetime

import pytest
from alert_boards import HOT, STRAGGLER, XID, FakeAlerts, alert
from fleets import T0
from stage import Stage
from textual import events
from textual.widgets import Input

from leptontui.errors import AlertError
from leptontui.model.alert import Matcher
from leptontui.ui.screens.acknowledge import AcknowledgeScreen
from leptontui.ui.screens.silence import SilenceScreen


class Shown:
    """A dialog on a bare app."""

    def __init__(self, screen):
        self.screen = screen
        self.app = Stage(screen)

    @property
    def text(self):
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def settled(self, pilot):
        await pilot.pause()
        await self.app.workers.wait_for_complete()
        await pilot.pause()


def acknowledging(port, *chosen, settle_s=0.0):
    return Shown(AcknowledgeScreen(port, [(one, "gpu-001 GPU 3") for one in chosen or (XID,)], settle_s=settle_s))


def silencing(port, *chosen, settle_s=0.0, clock=lambda: T0):
    return Shown(SilenceScreen(port, chosen or (XID,), clock=clock, settle_s=settle_s))


async def type_in(shown, pilot, name, text):
    field = shown.screen.query_one(f"#{name}", Input)
    field.value = ""
    field.focus()
    await pilot.pause()
    await pilot.press(*("space" if char == " " else char for char in text))
    await shown.settled(pilot)


async def test_it_says_which_and_takes_a_reason():
    port = FakeAlerts()
    shown = acknowledging(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        assert "Acknowledge this alert: you look after it, nobody is told again until it clears" in shown.text
        assert "✖ gpu-001 GPU 3  Xid 79: GPU has fallen off the bus" in shown.text
        await pilot.press(*"mine", "enter")
        await shown.settled(pilot)
        assert port.acknowledged == [((XID.id,), "mine")]
        assert shown.app.results == [1]


async def test_a_reason_may_be_left_out():
    port = FakeAlerts()
    shown = acknowledging(port, XID, HOT)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        await pilot.press("enter")
        await shown.settled(pilot)
        assert port.acknowledged == [((XID.id, HOT.id), "")]


async def test_leaving_acknowledges_nothing():
    port = FakeAlerts()
    shown = acknowledging(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        await pilot.press("escape")
        await shown.settled(pilot)
        assert not port.acknowledged
        assert shown.app.results == [None]


@pytest.mark.parametrize("make", [acknowledging, silencing])
async def test_keys_typed_before_it_could_be_read_do_nothing(make):
    port = FakeAlerts()
    shown = make(port, settle_s=3600.0)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"yes", "enter", "enter")
        await shown.settled(pilot)
        assert not port.acknowledged
        assert not port.silenced
        assert shown.screen.query_one("#dialog-why", Input).value == ""
        await pilot.press("escape")
        await shown.settled(pilot)
        assert shown.app.results == [None], "leaving is always allowed"


@pytest.mark.parametrize("make", [acknowledging, silencing])
async def test_a_key_pressed_early_but_delivered_late_does_nothing(make):
    port = FakeAlerts()
    shown = make(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        shown.screen.query_one("#dialog-why", Input).value = "x"
        early = events.Key("enter", None)
        early.time = time.monotonic() - 60
        shown.screen.focused.post_message(early)
        await shown.settled(pilot)
        assert not port.acknowledged
        assert not port.silenced


async def test_what_cannot_be_kept_is_said_and_can_be_tried_again():
    port = FakeAlerts(failure=AlertError("the database is locked", "another program holds it"))
    shown = acknowledging(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        await pilot.press("enter")
        await shown.settled(pilot)
        assert "✖ the database is locked — another program holds it" in shown.text
        assert not shown.app.results
        port.failure = None
        await pilot.press("enter")
        await shown.settled(pilot)
        assert shown.app.results == [1]


async def test_enter_held_down_asks_once():
    port = FakeAlerts()
    port.may_answer.clear()
    shown = acknowledging(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        await pilot.press("enter", "enter", "enter", "escape")
        assert len(port.acknowledged) == 1
        assert "writing it down" in shown.text
        port.may_answer.set()
        await shown.settled(pilot)
        assert shown.app.results == [1]


async def test_a_silence_is_filled_in_from_the_labels_and_counted():
    port = FakeAlerts()
    shown = silencing(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        assert "rule=gpu-xid host=gpu-001 gpu=3" in shown.text
        assert "matches 3 alerts now" in shown.text
        assert "until 05:12" in shown.text
        await pilot.press(*"known", "enter")
        await shown.settled(pilot)
        matchers = (Matcher("rule", "gpu-xid"), Matcher("host", "gpu-001"), Matcher("gpu", "3"))
        assert port.silenced == [(matchers, 7200.0, "known")]
        assert shown.app.results[0].why == "known"


async def test_several_are_silenced_by_what_they_share():
    others = [alert("host-unreachable", f"gpu-{n:03d}", labels={"rack": "r3"}) for n in range(3)]
    shown = silencing(FakeAlerts(), *others)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        assert shown.screen.query_one("#dialog-matchers", Input).value == "rule=host-unreachable"


async def test_what_it_would_hold_is_counted_as_it_is_typed():
    port = FakeAlerts()
    shown = silencing(port, XID, STRAGGLER)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        port.holds = 1
        await type_in(shown, pilot, "dialog-matchers", "host=~gpu-0.* job!=7")
        shown.screen._count()
        await shown.settled(pilot)
        assert port.counted[-1] == (Matcher("host", "gpu-0.*", is_regex=True), Matcher("job", "7", is_negated=True))
        assert "matches 1 alert now" in shown.text
        port.failure = AlertError("this would silence every alert there is")
        shown.screen._count()
        await shown.settled(pilot)
        assert "▲ this would silence every alert there is" in shown.text


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("dialog-matchers", "", "at least one condition"),
        ("dialog-matchers", "gpu-001", "not understood: gpu-001 — write label=value"),
        ("dialog-matchers", "host=", 'host= what? An empty value is written host=""'),
        ("dialog-lasts", "", "for how long?"),
        ("dialog-lasts", "soon", "not understood: write 30m"),
        ("dialog-lasts", "90d", "at most 30 days"),
        ("dialog-why", "", "say why"),
    ],
)
async def test_what_is_not_said_is_asked_for_and_nothing_is_silenced(field, text, words):
    port = FakeAlerts()
    shown = silencing(port)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        await type_in(shown, pilot, "dialog-why", "because")
        await type_in(shown, pilot, field, text)
        await pilot.press("enter")
        await shown.settled(pilot)
        assert not port.silenced
        assert words in shown.text
        assert shown.screen.focused.id == field, "the cursor is where something is to be said"


async def test_up_and_down_go_through_the_usual_durations():
    port = FakeAlerts()
    at_noon = datetime(2026, 3, 14, 12, 0, tzinfo=UTC).timestamp()
    shown = silencing(port, clock=lambda: at_noon)
    async with shown.app.run_test(size=(100, 30)) as pilot:
        await shown.settled(pilot)
        shown.screen.query_one("#dialog-lasts", Input).focus()
        await pilot.press("down", "down")
        assert "until 08:00" in shown.text
        await type_in(shown, pilot, "dialog-why", "known")
        await pilot.press("enter")
        await shown.settled(pilot)
        assert port.silenced[0][1] == 20 * 3600.0
