"""Which actions fit which hosts, what an order still lacks, what takes it back, and marks that cannot move."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.action import ActionName
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.activity import Pace
from leptontui.model.alert import Alert, AlertState, Level, Subject
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget
from leptontui.view.marks import Marks
from leptontui.view.offers import concerned, offers, units_for, why_not
from leptontui.view.orders import Order, known_params, undo_of
from leptontui.view.suggested import suggested, suggestion

SLURM = HostTarget("gpu-1", scheduler="slurm", controller="login1", units=("vllm.service", "docker:tgi"))
OTHER = HostTarget("gpu-2", scheduler="slurm", controller="login1", units=("vllm.service",))
KUBE = HostTarget(
    "node-1", scheduler="kubernetes", controller="cp1", units=("kube:prod/deployment/vllm", "helm:prod/vllm")
)
BARE = HostTarget("box")


def fit(*targets):
    return {offer.spec.name for offer in offers(SHIPPED.values(), targets) if not offer.why_not}


def test_what_fits_depends_on_scheduler_and_units():
    assert ActionName.DRAIN in fit(SLURM)
    assert ActionName.CORDON not in fit(SLURM)
    assert {ActionName.CORDON, ActionName.ROLL_BACK, ActionName.SCALE, ActionName.DRAIN} <= fit(KUBE)
    assert not {ActionName.DRAIN, ActionName.RESTART_UNIT} & fit(BARE)
    assert {ActionName.REBOOT, ActionName.EVIDENCE} <= fit(BARE)


def test_those_that_fit_come_first_and_the_rest_says_why():
    found = offers(SHIPPED.values(), [BARE])
    reasons = [offer.why_not for offer in found]
    assert reasons == sorted(reasons, key=bool)
    assert all(reason == "" or "inventory" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("action", "targets", "words"),
    [
        (ActionName.DRAIN, [BARE], "needs Slurm or Kubernetes"),
        (ActionName.DRAIN, [HostTarget("a", scheduler="slurm")], "needs a controller"),
        (ActionName.DRAIN, [SLURM, BARE], "needs Slurm or Kubernetes"),
        (ActionName.FAIL_OVER, [SLURM, OTHER], "one host at a time"),
        (ActionName.RESTART_UNIT, [BARE], "no unit of box"),
        (ActionName.RESTART_UNIT, [SLURM, KUBE], "no unit of all 2 hosts"),
        (ActionName.GPU_RESET, [HostTarget("cpu-1", gpus=0)], "has no GPU"),
        (ActionName.REBOOT, [None], "not in the inventory any more"),
        (ActionName.REBOOT, [], "no host is chosen"),
        (ActionName.SCALE, [SLURM], "no workload is named"),
    ],
)
def test_why_an_action_does_not_fit(action, targets, words):
    assert words in why_not(SHIPPED[action], targets)


def test_only_units_that_all_hosts_share_may_be_chosen():
    restart = SHIPPED[ActionName.RESTART_UNIT]
    assert units_for(restart, [SLURM]) == ("vllm.service", "docker:tgi")
    assert units_for(restart, [SLURM, OTHER]) == ("vllm.service",)
    assert units_for(restart, [KUBE]) == ("kube:prod/deployment/vllm",), "a release is not restarted"
    assert units_for(SHIPPED[ActionName.ROLL_BACK], [KUBE]) == KUBE.units
    assert units_for(restart, [None]) == ()


def test_parameters_of_another_scheduler_are_not_asked_for():
    drain = SHIPPED[ActionName.DRAIN]
    assert not concerned(drain, [SLURM])
    assert [each.name for each in concerned(drain, [KUBE])] == ["emptydir", "force", "eviction"]


def test_an_order_lacks_what_has_no_default_or_a_wrong_value():
    kill = SHIPPED[ActionName.GPU_KILL]
    assert Order(kill.name, ("a",)).lacks(kill)
    assert not Order(kill.name, ("a",), params=(("pid", "4121"),)).lacks(kill)
    assert Order(kill.name, ("a",), params=(("pid", "1"),)).lacks(kill)
    drain = SHIPPED[ActionName.DRAIN]
    assert Order(drain.name, ("a",), reason=" ").lacks(drain), "nobody knows why yet"
    assert not Order(drain.name, ("a",), reason="fans").lacks(drain)


def test_only_what_a_parameter_takes_is_filled_in():
    kill = SHIPPED[ActionName.GPU_KILL]
    assert known_params(kill, {"pid": "77", "gpu": "3", "grace": "x; reboot"}) == (("pid", "77"),)


def test_undo_is_the_order_that_can_be_said_without_asking():
    def back(action, **order):
        spec = SHIPPED[action]
        return undo_of(spec, SHIPPED.get(spec.undo), Order(action, ("a",), **order))

    assert back(ActionName.DRAIN, reason="x") == Order(ActionName.UNDRAIN, ("a",))
    clocks = back(ActionName.GPU_LOCK_CLOCKS, params=(("gpu", "3"), ("high", "1200"), ("low", "900")))
    assert clocks == Order(ActionName.GPU_UNLOCK_CLOCKS, ("a",), params=(("gpu", "3"),))
    assert back(ActionName.SCALE, unit="kube:a/deployment/b", params=(("replicas", "3"),)) is None
    assert back(ActionName.REBOOT) is None


def test_orders_become_requests_and_back():
    order = Order(ActionName.RESTART_UNIT, ("a", "b"), "x.service", pace=Pace.ROLLING, batch=2)
    assert Order.of_rollout(order.rollout()) == order
    single = Order(ActionName.DRAIN, ("a",), reason="why", params=(("force", "no"),))
    assert Order.of_request(single.request()) == single


def alert(host="gpu-1", *, action="gpu-reset", labels=(("gpu", "3"),), entity=Entity.GPU, instance="GPU-1"):
    return Alert(
        id=f"{host}/{action}",
        rule="r",
        level=Level.PAGE,
        is_predictive=False,
        subject=Subject(entity, host, instance),
        labels=tuple(labels),
        summary="it \x1b[31mbroke",
        state=AlertState.FIRING,
        since_unix_s=0.0,
        action=action,
    )


def test_an_alert_suggests_any_action_with_its_parameters():
    specs = tuple(SHIPPED.values())
    assert suggested(alert(), SLURM, specs) == Order("gpu-reset", ("gpu-1",), params=(("gpu", "3"),))
    drain = suggested(alert(action="drain"), SLURM, specs)
    assert drain is not None
    assert "\x1b" not in drain.reason
    assert suggested(alert(action="drain"), BARE, specs) is None
    assert suggested(alert(action="custom/burn-in"), SLURM, specs) is None
    assert suggested(alert(), None, specs) is None
    unit = alert(action="restart", entity=Entity.UNIT, instance="sshd.service")
    assert suggested(unit, SLURM, specs) is None, "not on the allow-list"


def test_several_alerts_suggest_one_order_only_if_they_agree():
    specs, targets = tuple(SHIPPED.values()), {target.name: target for target in (SLURM, OTHER)}
    drains = [alert("gpu-1", action="drain"), alert("gpu-2", action="drain"), alert("gone", action="drain")]
    found = suggestion(drains, targets.get, specs)
    assert found is not None
    assert found.hosts == ("gpu-1", "gpu-2")
    assert suggestion([drains[0], alert("gpu-2", action="reboot")], targets.get, specs) is None
    assert suggestion([], targets.get, specs) is None


NAMES = st.frozensets(st.sampled_from([f"h{i}" for i in range(8)]))


@given(NAMES, NAMES, st.permutations([f"h{i}" for i in range(8)]))
def test_marks_are_a_set_of_hosts_whatever_the_order_of_rows(marked, shown, rows):
    marks = Marks(marked)
    assert set(marks.ordered(rows)) == marked
    assert len(marks.ordered(rows)) == len(marked)
    assert marks.ordered(rows) == tuple(row for row in rows if row in marked)
    both = marks.all_toggled(shown)
    assert both.hosts in (marked | shown, marked - shown)
    assert marks.hidden(shown) == len(marked - shown)
    for host in rows:
        assert marks.toggled(host).toggled(host) == marks
    assert marks.kept(shown).hosts == marked & shown
