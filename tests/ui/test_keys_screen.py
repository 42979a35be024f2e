"""The review of host keys: nothing is accepted that was not shown and asked about, and never a changed key."""

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import T0, FakeAccess, FakeSource, host_row, make_snapshot, train_fleet
from rich_fleet import offered, rich_fleet, unknown_key

from leptontui.errors import LeptonError
from leptontui.model.link import Fault, FaultKind, Link, LinkState
from leptontui.model.target import HostTarget
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.keys import KeysScreen


@pytest.fixture
def access():
    return FakeAccess()


@pytest.fixture
def stage(access):
    return FleetPilot(FakeSource(rich_fleet()), FakeCommands(), access=access)


def three_unknown(**over):
    """Three hosts of two groups that show unknown keys."""
    names = ("a1", "a2", "b1")
    hosts = [host_row(name, link="refused", received_unix_s=None) for name in names]
    links = {name: unknown_key(name, offered(name)) for name in names}
    targets = {name: HostTarget(name, group=name[0]) for name in names}
    return make_snapshot(hosts, [], **({"links": links, "targets": targets} | over))


async def test_unknown_keys_with_fingerprints_and_changed_ones_loudly(stage):
    async with stage.run():
        assert "✖ 1 host key CHANGED: refused" in stage.text
        assert "▲ 3 hosts with unknown keys K reviews" in stage.text
        await stage.press("K")
        assert isinstance(stage.app.screen, KeysScreen)
        assert "2 unknown   ✖ 1 changed, refused" in stage.lines[1]
        assert "✖ changed: refused, 1 key: somebody else may answer" in stage.text
        assert "2 hosts" in stage.line_of("bastion2", offered("bastion2").fingerprint)
        assert "ssh-ed25519" in stage.line_of("[ ] gpu-007", offered("gpu-007").fingerprint)


async def test_a_changed_key_can_not_be_accepted_by_any_key(stage, access):
    async with stage.run(notifications=True):
        await stage.press("K")
        assert stage.app.screen.chosen.name == "gpu-010"
        assert "enter accept" not in stage.lines[-1]
        assert "It can not be accepted here." in stage.text
        await stage.press("space", "g", "enter", "y")
        assert access.trusted == []
        assert "find out who answers" in stage.notices
        assert "[x]" not in stage.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_to_do_about_a_changed_key_is_told_whole_on_any_screen(size):
    file = "/home/oncall/.ssh/known_hosts.d/gpu-fleet-frankfurt:12345"
    cause = f"THE HOST KEY of gpu-010 HAS CHANGED: it offers ssh-ed25519 SHA256:{'a' * 43}; "
    cause += f"known is ssh-ed25519 SHA256:{'b' * 43} ({file})"
    mend = f"someone may be in between, or it was reinstalled: compare the fingerprint, then correct {file}"
    fault = Fault(FaultKind.HOST_KEY_CHANGED, cause, mend)
    link = Link("gpu-010", LinkState.REFUSED, T0 - 300, fault)
    host = host_row("gpu-010", link="refused", received_unix_s=None)
    stage = FleetPilot(FakeSource(make_snapshot([host], [], links={"gpu-010": link})), access=FakeAccess())
    async with stage.run(*size):
        await stage.press("K")
        told = "".join("".join(stage.lines[-9:-1]).split())
        for words in (cause, mend, "It can not be accepted here."):
            assert words.replace(" ", "") in told


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_file_a_key_goes_to_is_told_on_any_screen(size):
    stage = FleetPilot(FakeSource(three_unknown()), access=FakeAccess())
    async with stage.run(*size):
        await stage.press("K")
        assert f"goes to {stage.app.screen.chosen.file}" in " ".join(" ".join(stage.lines[-9:-1]).split())


async def test_one_key_is_accepted_after_a_question(stage, access):
    async with stage.run(notifications=True):
        await stage.press("K", "end")
        assert stage.app.screen.chosen.name == "gpu-007"
        await stage.press("y")
        assert access.trusted == [], "nothing was asked yet"
        await stage.press("enter")
        assert "▲ Vouch for the key of gpu-007? y writes to /home/oncall/.ssh/known_hosts" in stage.text
        assert "y accept   esc do not" in stage.lines[-1]
        await stage.press("enter")
        assert access.trusted == [], "a second enter is no yes"
        await stage.press("y")
        await stage.app.workers.wait_for_complete()
        assert access.trusted == [("gpu-007",)]
        assert "1 key written to /home/oncall/.ssh/known_hosts" in stage.notices


async def test_escape_takes_the_question_back(stage, access):
    async with stage.run():
        await stage.press("K", "end", "enter", "escape")
        assert "Vouch for" not in stage.text
        await stage.press("y")
        assert access.trusted == []
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_a_bastions_key_is_accepted_once_for_all_its_hosts(stage, access):
    async with stage.run():
        await stage.press("K", "down", "enter")
        assert "dials 2 hosts" in stage.text
        await stage.press("y")
        await stage.app.workers.wait_for_complete()
        assert access.trusted == [("gpu-008", "gpu-009")]


async def test_by_group_and_one_by_one(access):
    stage = FleetPilot(FakeSource(three_unknown()), access=access)
    async with stage.run():
        await stage.press("K", "g")
        assert stage.text.count("[x]") == 2
        assert "2 marked" in stage.lines[1]
        await stage.press("g")
        assert stage.text.count("[x]") == 0
        await stage.press("g", "end", "space")
        assert stage.text.count("[x]") == 3
        await stage.press("home", "space", "enter")
        assert "Vouch for these 2 keys?" in stage.text
        await stage.press("y")
        await stage.app.workers.wait_for_complete()
        assert access.trusted == [("a2", "b1")]


async def test_a_key_that_changes_under_the_question_is_not_accepted(access):
    stage = FleetPilot(FakeSource(three_unknown()), access=access)
    async with stage.run(notifications=True):
        await stage.press("K", "space", "home", "enter")
        assert "Vouch for the key of a1?" in stage.text
        links = {"a1": unknown_key("a1", offered("other")), "a2": unknown_key("a2", offered("a2"))}
        await stage.publish(three_unknown(links=links, seq=2))
        assert "Vouch for" not in stage.text
        assert "nothing was accepted" in stage.notices
        assert "[x]" not in stage.text
        await stage.press("y")
        assert access.trusted == []


async def test_a_file_that_cannot_be_written_is_told():
    access = FakeAccess(LeptonError("known_hosts cannot be written: permission denied"))
    stage = FleetPilot(FakeSource(three_unknown()), access=access)
    async with stage.run(notifications=True):
        await stage.press("K", "enter", "y")
        await stage.app.workers.wait_for_complete()
        assert "permission denied" in stage.notices
        await stage.press("enter")
        assert "Vouch for" in stage.text, "it can be tried again"


async def test_without_an_access_port_there_is_no_review():
    stage = FleetPilot(FakeSource(rich_fleet()), FakeCommands())
    async with stage.run():
        await stage.press("K")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "K host keys" not in stage.text
        assert "keys K reviews" not in stage.text
        assert "✖ 1 host key CHANGED: refused" in stage.text, "that is told all the same"


async def test_with_nothing_to_review_no_key_is_shown(access):
    stage = FleetPilot(FakeSource(train_fleet()), access=access)
    async with stage.run(200, 40):
        assert "host keys" not in stage.lines[-1]
        assert "a answer" not in stage.lines[-1]
        await stage.press("K")
        assert "No host key waits to be reviewed." in stage.text


async def test_a_wallboard_has_no_way_in(access):
    stage = FleetPilot(FakeSource(rich_fleet()), FakeCommands(), access=access, is_wallboard=True)
    async with stage.run():
        before = stage.app.screen
        await stage.press("K", "a", "e", "j", "i", "enter")
        assert stage.app.screen is before
        assert (access.trusted, access.answers) == ([], [])
