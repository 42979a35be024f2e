"""Roll back of a Helm release by helm on the controller, to a revision that is named, verified by asking helm again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from leptontui.actions.guard import Objection
from leptontui.actions.kube_names import Release, checked_release
from leptontui.actions.kubectl import Kubectl, decoded, kubectl_of, last_words
from leptontui.actions.reach import QUESTION_TIMEOUT_S, Deed, Prepared, Reach, Verdict
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step
from leptontui.model.text import plain

_KEPT: Final = 20
"""Revisions that are asked for; helm itself keeps 10 unless told otherwise."""

_WAIT_S: Final = 600
_NOT_FOUND: Final = 127
_MAX_ANSWER_BYTES: Final = 4 << 20
_AT_WORK: Final = ("pending", "uninstalling")
_T = TypeVar("_T")


class HelmRevision(msgspec.Struct, frozen=True):
    """One line of `helm history --output json`."""

    revision: int
    status: str = ""
    updated: str = ""
    chart: str = ""
    app_version: str = ""
    description: str = ""

    @property
    def words(self) -> str:
        """For people: "revision 6 (vllm-1.2.3, superseded, 2026-11-20)"."""
        return (
            f"revision {self.revision} ({plain(self.chart, 80)}, {plain(self.status, 40)}, {plain(self.updated, 19)})"
        )


class HelmState(msgspec.Struct, frozen=True):
    """How a release is."""

    status: str = ""
    description: str = ""


class HelmStatus(msgspec.Struct, frozen=True):
    """What `helm status --output json` says; what the release is made of is skipped."""

    name: str = ""
    namespace: str = ""
    version: int = 0
    info: HelmState = HelmState()


@dataclass(frozen=True, slots=True)
class Helm:
    """Helm on one controller, for one release.

    Attributes:
        kubectl: names the controller and the cluster.
        release: the release.
    """

    kubectl: Kubectl
    release: Release

    @property
    def reach(self) -> Reach:
        """The controller."""
        return self.kubectl.reach

    @property
    def options(self) -> tuple[str, ...]:
        """What names the cluster: `--kubeconfig=…`, `--kube-context=…`."""
        return tuple(word.replace("--context=", "--kube-context=", 1) for word in self.kubectl.options)

    def argv(self, *words: str) -> tuple[str, ...]:
        """The argument vector of a command about the release."""
        return ("helm", *self.options, *words, f"--namespace={self.release.namespace}")

    async def ask(self, kind: type[_T], *words: str) -> _T:
        """What helm prints as JSON.

        Raises:
            ActionError: there is no helm, it failed, or printed something else.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        transport = self.reach.transport
        await transport.connect()
        argv = self.argv(*words, "--output=json")
        done = await transport.run(argv, timeout_s=QUESTION_TIMEOUT_S, output_limit=_MAX_ANSWER_BYTES)
        if done.exit_status == _NOT_FOUND:
            raise ActionError(f"helm was not found on {self.reach.name}", "name the host that has it as controller")
        if len(done.stdout) >= _MAX_ANSWER_BYTES:
            raise ActionError(f"helm on {self.reach.name} printed more than {_MAX_ANSWER_BYTES >> 20} MiB")
        if done.exit_status != 0:
            raise ActionError(f"helm on {self.reach.name}: {last_words(done)}")
        return decoded(done.stdout, kind, f"helm on {self.reach.name}")

    async def history(self) -> list[HelmRevision]:
        """The release's revisions, the newest last; at least one. Raises as `ask` does."""
        found = await self.ask(list[HelmRevision], "history", self.release.name, f"--max={_KEPT}")
        if not found:
            raise ActionError(f"helm on {self.reach.name} knows no revision of {self.release}")
        return sorted(found, key=lambda one: one.revision)

    async def status(self) -> HelmStatus:
        """How the release is. Raises as `ask` does."""
        return await self.ask(HelmStatus, "status", self.release.name)


@dataclass(frozen=True, slots=True)
class HelmRollBackDeed(Deed):
    """What surrounds the roll back of a release.

    Attributes:
        helm: where it is run.
        before: the newest revision when the plan was made.
        wanted: the revision it goes back to.
    """

    helm: Helm
    before: HelmRevision
    wanted: HelmRevision

    async def check_again(self) -> Objection | None:
        """Nobody has changed the release meanwhile."""
        now = (await self.helm.history())[-1]
        if (now.revision, now.status) != (self.before.revision, self.before.status):
            return Objection("changed-since", f"it was changed since the plan was made: {now.words}", "plan it again")
        return await self.helm.kubectl.moved()

    async def verify(self) -> Verdict:
        """A newer revision is deployed, made by rolling back to the one asked for, with its chart."""
        status, newest = await self.helm.status(), (await self.helm.history())[-1]
        state = f"{self.helm.release} is {plain(status.info.status, 40)} at {newest.words}"
        said = f"{state}: {plain(status.info.description, 160)}"
        is_newer = newest.revision > self.before.revision and status.version == newest.revision
        is_it = newest.description == f"Rollback to {self.wanted.revision}" and newest.chart == self.wanted.chart
        return Verdict(is_so=is_newer and is_it and status.info.status == newest.status == "deployed", said=said)

    async def explain(self) -> str:
        """How helm says the release is."""
        return (await self.verify()).said


async def prepare_helm_roll_back(setting: Setting) -> Prepared:
    """Plan the roll back of the request's release to parameter `revision`, 0 for the one before.

    Raises:
        ActionError: it is not allowed or not there, has no such revision, is being changed, or cannot be asked.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target = setting.request, setting.target
    release = checked_release(request.unit, target.units)
    kubectl = await kubectl_of(setting)
    helm = Helm(kubectl, release)
    history = await helm.history()
    current = history[-1]
    if current.status.startswith(_AT_WORK):
        raise ActionError(f"{release} is being changed: {current.words}", "wait until that has ended")
    wanted = chosen(history, int(request.param("revision") or "0"), release)
    argv = helm.argv("rollback", release.name, str(wanted.revision), "--wait", f"--timeout={_WAIT_S}s")
    plan = Plan(
        setting.plan_id,
        request,
        f"Roll back {release} to revision {wanted.revision} by Helm ({kubectl.where})",
        setting.spec.danger,
        (Step(kubectl.reach.name, kubectl.reach.login, argv, _WAIT_S + 30.0),),
        f"helm status {release.name} → deployed, and helm history → Rollback to {wanted.revision}",
        running_there=(f"{current.words} runs now: {plain(current.description, 120)}",),
        after_this=(
            f"{wanted.words} runs again, under a new number",
            "everything that the release is made of is put back, wherever it runs",
            f"undone by rolling back to revision {current.revision}, which it has now",
        ),
        warnings=(f"its last change did not end well: {current.words}",) if current.status != "deployed" else (),
        confirmation=request.host,
        undo=setting.request.but(revision=str(current.revision)),
    )
    return Prepared(plan, target, (kubectl.reach,), HelmRollBackDeed(helm, current, wanted), setting.clock())


def chosen(history: list[HelmRevision], number: int, release: Release) -> HelmRevision:
    """The revision that is meant: for 0 the newest before the current one that was once deployed.

    Raises:
        ActionError: there is no such revision to go back to.
    """
    older = {one.revision: one for one in history[:-1]}
    once_well = [one for one in history[:-1] if one.status in {"superseded", "deployed"}]
    if number == 0 and once_well:
        return once_well[-1]
    if number in older:
        return older[number]
    kept = ", ".join(str(one) for one in older) or "none"
    what = f"revision {number}" if number else "a revision before this one that was ever deployed"
    raise ActionError(f"{release} has not {what} to go back to", f"it has {kept}")
