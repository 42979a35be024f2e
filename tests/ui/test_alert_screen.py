"""An alert's sheet: evidence, verdict, what can be done, trust in predictions, its history; also once it has ended."""

from dataclasses import replace

import polars as pl
import pytest
from alert_boards import (
    HOT,
    PENDING,
    RESOLVED,
    SILENCED,
    STEPS,
    XID,
    FakeAlerts,
    acknowledged,
    alert,
    alert_fleet,
    board,
    group,
)
from alert_boards import rich_board as rich
from fake_office import FakeCommands, FakeOffice
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, fleet_of, gpu_uuid

from leptontui.errors import AlertError
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.alert import AlertState, NotifierStatus
from leptontui.model.reaction import Proposal, Reaction
from leptontui.ui.screens.alert import AlertScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.history import HistoryScreen
from leptontui.ui.screens.host import HostScreen
from leptontui.ui.screens.plan import PlanScreen
from leptontui.ui.screens.rollout_plan import RolloutPlanScreen


def stage_of(*alerts, port=None, commands=True, **app):
    snapshot = alert_fleet(rich(groups=tuple(group(one) for one in alerts)))
    app.setdefault("alerts", port or FakeAlerts(STEPS))
    return FleetPilot(FakeSource(snapshot), FakeCommands(is_armed=True) if commands else None, **app)


async def test_everything_is_said(fleet_snapshot):
    stage = stage_of(XID)
    async with stage.run():
        await stage.press("t", "enter")
        assert isinstance(stage.app.screen, AlertScreen)
        for words in (
            "✖ page   gpu-001 GPU 3   firing 12 min",
            "Xid 79: GPU has fallen off the bus",
            "since 03:00, fired at 03:00",
            "value         79",
            "evidence      kernel log 03:00:44: NVRM",
            "NVIDIA: reset the GPU",
            "rule          gpu-xid",
            "to do         p  drain gpu-001: opens the plan, runs nothing yet",
            "runbook       https://runbooks.example/xid-79",
            "gpu=3  group=train  host=gpu-001  job=8812  model=H100",
            "told by       oncall-slack 12 sent",
            "03:08:44  acknowledged by anna: looking at it",
            "03:00:44  fired",
        ):
            assert words in stage.text, words
        assert "throttled by power" not in stage.text, "only its own history"


async def test_a_prediction_tells_when_as_an_interval_and_how_far_to_trust_it():
    stage = stage_of(HOT)
    async with stage.run():
        await stage.press("t", "enter")
        assert "in 11 min (7–19), at 03:23 (03:19–03:31); threshold 87.0" in stage.text
        assert "this rule's predictions were right 9 of 11 times, 1 came without warning" in stage.text


async def test_the_verdict_says_whose_rule_it_is():
    snapshot = alert_fleet(board(group(XID)))
    is_it = pl.col("uuid") == gpu_uuid("gpu-001", 3)
    gpus = snapshot.frames.gpus.with_columns(
        pl.when(is_it).then(pl.lit("reboot the host: Xid 79 off the bus")).alias("verdict_words"),
        pl.when(is_it).then(pl.lit("NVIDIA")).alias("verdict_source"),
        pl.when(is_it).then(pl.lit(["kernel log: Xid 79", "recovery action: reset"])).alias("verdict_evidence"),
    )
    stage = FleetPilot(FakeSource(replace(snapshot, frames=replace(snapshot.frames, gpus=gpus))))
    async with stage.run():
        await stage.press("t", "enter")
        assert "verdict       reboot the host: Xid 79 off the bus — says NVIDIA" in stage.text
        assert "recovery action: reset" in stage.text


async def test_of_several_on_one_host_only_how_many_is_told():
    both = group(XID, alert("gpu-lost", "gpu-001", gpu=3), title="Xid 79 (+1 on gpu-001)", cause="host: gpu-001")
    stage = FleetPilot(FakeSource(alert_fleet(rich(groups=(both,)))), alerts=FakeAlerts(STEPS))
    async with stage.run():
        await stage.press("t", "enter", "down", "enter")
        assert "part of       one of 2 alerts on gpu-001" in stage.text


async def test_who_looks_after_it_and_what_silences_it():
    stage = stage_of(acknowledged(XID), SILENCED)
    async with stage.run():
        await stage.press("t", "enter")
        assert "acknowledged  by anna at 03:08: looking" in stage.text
        assert "a acknowledge" not in stage.lines[-1]
        assert "u take back" in stage.lines[-1]
        await stage.press("escape", "down", "enter")
        assert "silenced      until 05:02 by bea: known, mended tonight" in stage.text


async def test_keys_act_on_this_alert():
    port = FakeAlerts(STEPS)
    stage = stage_of(XID, HOT, port=port)
    async with stage.run():
        await stage.press("t", "enter", "a")
        assert "Acknowledge this alert" in stage.text
        await stage.press("escape", "p")
        assert isinstance(stage.app.screen, PlanScreen)
        assert stage.app._port.planned == [ActionRequest(ActionName.DRAIN, "gpu-001", reason=XID.summary)]
        await stage.press("escape", "H")
        assert isinstance(stage.app.screen, HistoryScreen)
        assert port.queries[-1].words == ("gpu-xid", "gpu-001")
        await stage.press("escape", "escape", "enter")
        assert isinstance(stage.app.screen, HostScreen)
        assert "gpu-001 ▸ GPU 3" in stage.text


@pytest.mark.parametrize(
    ("over", "scheduler"),
    [({"action": "drain"}, None), ({"action": "dance"}, "slurm"), ({"action": ""}, "slurm")],
)
async def test_what_cannot_be_done_has_no_key(over, scheduler):
    stage = stage_of(replace(XID, **over))
    stage = FleetPilot(
        stage.source, FakeCommands(), alerts=FakeAlerts(), fleet=fleet_of(stage.source.snapshot, scheduler=scheduler)
    )
    async with stage.run(200, 40):
        await stage.press("t", "enter")
        assert "p plan" not in stage.lines[-1]
        await stage.press("p")
        assert isinstance(stage.app.screen, AlertScreen)


async def test_once_it_has_ended_it_stays_readable_and_says_so():
    stage = stage_of(XID)
    async with stage.run():
        await stage.press("t", "enter")
        ended = replace(XID, state=AlertState.RESOLVED, resolved_unix_s=T0)
        await stage.publish(alert_fleet(board(resolved=(ended,)), seq=2))
        assert "● page   gpu-001 GPU 3   resolved 12 min" in stage.text
        assert "ended at 03:12" in stage.text
        assert "a acknowledge" not in stage.lines[-1]
        await stage.publish(alert_fleet(board(), seq=3))
        assert "Xid 79: GPU has fallen off the bus" in stage.text


async def test_a_host_that_is_not_heard_of_makes_it_old_news():
    old = replace(XID, subject=replace(XID.subject, host="gpu-005", instance=""), seen_unix_s=T0 - 120)
    stage = stage_of(old)
    async with stage.run():
        await stage.press("t", "enter")
        assert "its condition was last seen 2 m ago: nothing fresh is known of its host" in stage.text


async def test_a_history_that_cannot_be_read_says_why():
    stage = stage_of(XID, port=FakeAlerts(failure=AlertError("the database is damaged", "move it away")))
    async with stage.run():
        await stage.press("t", "enter")
        assert "✖ the database is damaged — move it away" in stage.text


async def test_a_failing_notifier_is_told_beside_it():
    failing = NotifierStatus("pager", 3, 1, T0 - 600, "HTTP 503")
    stage = FleetPilot(FakeSource(alert_fleet(board(group(XID), notifiers=(failing,)))))
    async with stage.run():
        await stage.press("t", "enter")
        assert "told by       ✖ pager fails since 03:02, 1 waiting: HTTP 503" in stage.text


async def test_what_changed_leads_to_the_alert_that_has_ended():
    stage = FleetPilot(FakeSource(alert_fleet(board(resolved=(RESOLVED,)), events=())))
    async with stage.run():
        await stage.press("t", "enter")
        assert isinstance(stage.app.screen, AlertScreen)
        assert "resolved" in stage.lines[1]


def proposing(**over):
    fields = {"reaction": Reaction.CONFIRM, "why_not": ""} | over
    proposal = Proposal(XID.id, XID.rule, ActionRequest(ActionName.DRAIN, "gpu-001", reason="Xid 79"), **fields)
    return alert_fleet(board(group(XID), proposals=(proposal,)), seq=2)


async def test_a_rule_that_asks_for_confirmation_opens_its_plan_once():
    stage = stage_of(XID)
    async with stage.run(notifications=True):
        await stage.publish(proposing(why_not="too many today"))
        assert isinstance(stage.app.screen, PlanScreen)
        assert "the rule gpu-xid asks for this: too many today" in stage.notices
        await stage.press("escape")
        await stage.publish(proposing())
        assert isinstance(stage.app.screen, FleetScreen), "once is enough"
        assert not stage.app._port.ran


@pytest.mark.parametrize("case", ["unarmed", "typing", "auto", "read-only"])
async def test_a_plan_opens_by_itself_only_where_somebody_is_armed_and_idle(case):
    port = FakeCommands(is_armed=case != "unarmed")
    stage = FleetPilot(FakeSource(alert_fleet(board(group(XID)))), None if case == "read-only" else port)
    async with stage.run():
        if case == "typing":
            await stage.press("slash", "x")
        await stage.publish(proposing(reaction=Reaction.AUTO if case == "auto" else Reaction.CONFIRM))
        assert isinstance(stage.app.screen, FleetScreen)


async def test_pending_is_told_as_pending():
    stage = stage_of(PENDING)
    async with stage.run():
        await stage.press("t", "enter")
        assert "pending 40 s" in stage.text
        assert "fired at" not in stage.text


async def test_an_alert_may_suggest_any_action_with_the_parameters_of_its_labels():
    stage = stage_of(replace(XID, action="gpu-reset"))
    async with stage.run():
        await stage.press("t", "enter")
        assert "reset gpu gpu-001: opens the plan, runs nothing yet" in stage.text
        await stage.press("p")
        assert isinstance(stage.app.screen, PlanScreen)
        (asked,) = stage.app._port.planned
        assert (asked.action, asked.host, asked.params) == ("gpu-reset", "gpu-001", (("gpu", "3"),))


async def test_marked_alerts_that_agree_are_planned_on_all_their_hosts():
    office = FakeOffice(is_armed=True)
    alerts = [alert("host-hot", f"gpu-{number:03d}", action="drain", summary="too hot") for number in (7, 8)]
    snapshot = alert_fleet(rich(groups=tuple(group(one) for one in alerts)))
    stage = FleetPilot(FakeSource(snapshot), office, alerts=FakeAlerts(STEPS))
    async with stage.run():
        await stage.press("t", "space", "space", "p")
        assert isinstance(stage.app.screen, RolloutPlanScreen)
        (asked,) = office.rollouts
        assert (asked.action, sorted(asked.hosts), asked.reason) == ("drain", ["gpu-007", "gpu-008"], "too hot")
        assert stage.app.screen.query_one("#plan-reason").value == "too hot"
        assert not office.started
