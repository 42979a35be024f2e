"""kubectl on a controller: how it is called, asked for JSON, and how it says that something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from leptontui.actions.guard import Objection
from leptontui.actions.kube_names import KUBERNETES, checked_context
from leptontui.actions.reach import LOGGED_LINE, QUESTION_TIMEOUT_S, Reach
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError, CommandTimeout
from leptontui.model.action import Step
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import Completed

MAX_ANSWER_BYTES: Final = 32 << 20
"""Bytes of one answer: a pod is 10 to 20 KB of JSON, a node takes 110 of them, some clusters allow 500."""

_ASK_FOR_S: Final = 15
"""Seconds that the API server has for one request; kubectl gives up before the transport does."""

_NOT_FOUND: Final = 127

_SILENT: Final = (
    "Unable to connect to the server",
    "was refused - did you specify the right host",
    "context deadline exceeded",
    "connection reset by peer",
    "(ServiceUnavailable)",
    "(Timeout)",
    "(InternalError)",
    "server is currently unable to handle the request",
    "etcdserver:",
)
"""What kubectl says when the API server does not answer now: it may do so soon, so it is asked again (`checking`)."""

_HINTS: Final = {
    "(Forbidden)": "the account in its kubeconfig may not do this: ask for the right, or for another context",
    "(Unauthorized)": "log in to the cluster again there",
    "You must be logged in": "log in to the cluster again there",
    "no configuration has been provided": 'name one with kubeconfig = "…" in the inventory',
    "does not exist": "see kubectl config get-contexts there",
    "context was not found": "see kubectl config get-contexts there",
}
"""By what kubectl said: what the user can do about it."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl on one controller, for one cluster.

    Attributes:
        reach: the controller.
        options: what names the cluster: `--kubeconfig=…`, `--context=…`.
        is_current: its context is the one that was current when it was asked for, as the inventory names none.
    """

    reach: Reach
    options: tuple[str, ...] = ()
    is_current: bool = False

    @property
    def where(self) -> str:
        """For people: "context prod on login1"."""
        return f"context {self.context} on {self.reach.name}" if self.context else f"Kubernetes on {self.reach.name}"

    @property
    def context(self) -> str:
        """The context's name, "" where there is none, as in a pod."""
        return next((word.partition("=")[2] for word in self.options if word.startswith("--context=")), "")

    def argv(self, *words: str) -> tuple[str, ...]:
        """The argument vector of a command."""
        return ("kubectl", *self.options, *words)

    def step(self, *words: str, timeout_s: float = 60.0, succeeds: tuple[int, ...] = (0,)) -> Step:
        """A step of a plan."""
        return Step(self.reach.name, self.reach.login, self.argv(*words), timeout_s, succeeds)

    async def run(self, *words: str, timeout_s: float = QUESTION_TIMEOUT_S) -> Completed:
        """Ask something, whatever comes of it.

        Raises:
            ActionError: there is no kubectl, or its answer is too long.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        await self.reach.transport.connect()
        done = await self.reach.transport.run(self.argv(*words), timeout_s=timeout_s, output_limit=MAX_ANSWER_BYTES)
        if done.exit_status == _NOT_FOUND:
            raise ActionError(f"kubectl was not found on {self.reach.name}", "name the host that has it as controller")
        if len(done.stdout) >= MAX_ANSWER_BYTES:
            raise ActionError(f"kubectl on {self.reach.name} printed more than {MAX_ANSWER_BYTES >> 20} MiB")
        return done

    async def ask(self, *words: str) -> str:
        """What it prints.

        Raises:
            ActionError: it failed.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        done = await self.run(*words, f"--request-timeout={_ASK_FOR_S}s")
        if done.exit_status != 0:
            raise self.failure(done)
        return done.stdout

    async def get(self, kind: type[_T], *words: str) -> _T:
        """What `kubectl get WORDS --output=json` prints, as `kind`. Raises as `ask` does, and if it is not that."""
        return decoded(await self.ask("get", *words, "--output=json"), kind, f"kubectl on {self.reach.name}")

    async def find(self, kind: type[_T], *words: str) -> _T | None:
        """As `get`, but None if there is no such object."""
        done = await self.run("get", *words, "--output=json", f"--request-timeout={_ASK_FOR_S}s")
        if done.exit_status == 0:
            return decoded(done.stdout, kind, f"kubectl on {self.reach.name}")
        if "(NotFound)" in done.stderr:
            return None
        raise self.failure(done)

    async def moved(self) -> Objection | None:
        """Whether somebody made another context the current one, by which the inventory then means another cluster.

        Raises:
            ActionError: there is no kubectl any more.
            LinkError: the link broke.
            CommandTimeout: no answer in time.
        """
        if not self.is_current:
            return None
        files = tuple(word for word in self.options if not word.startswith("--context="))
        current = plain(await _current(Kubectl(self.reach, files)), 80)
        if current == self.context:
            return None
        return Objection(
            "changed-since",
            f"the current context on {self.reach.name} is {current or 'none'} now, the plan is for {self.context}",
            "plan it again, and set kube_context in the inventory",
        )

    def failure(self, done: Completed) -> ActionError | CommandTimeout:
        """The error that says why it failed, and what the user can do about it."""
        said = last_words(done)
        if any(text in said for text in _SILENT):
            mend = "is the API server up, and is this the right context?"
            return CommandTimeout(f"kubectl on {self.reach.name}: {said}", mend)
        hint = next((mend for text, mend in _HINTS.items() if text in said), "")
        return ActionError(f"kubectl on {self.reach.name}: {said}", hint)


async def kubectl_at(reach: Reach, target: HostTarget) -> Kubectl:
    """The way to the cluster of `target`. The current context, where none is named, is asked for and then named.

    So a plan is carried out in the cluster that it was made for, whatever somebody makes the current one meanwhile.

    Raises:
        ActionError: there is no kubectl, or its context has no usable name.
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    options = (f"--kubeconfig={target.kubeconfig}",) if target.kubeconfig else ()
    context = target.kube_context or await _current(Kubectl(reach, options))
    if not context:
        return Kubectl(reach, options)
    named = (*options, f"--context={checked_context(context)}")
    return Kubectl(reach, named, is_current=target.kube_context is None)


async def _current(kubectl: Kubectl) -> str:
    """The current context, "" where none is set: in a pod, say."""
    done = await kubectl.run("config", "current-context")
    return done.stdout.strip() if done.exit_status == 0 else ""


async def kubectl_of(setting: Setting) -> Kubectl:
    """Kubectl for the cluster that the target of an action belongs to.

    Raises:
        ActionError: the inventory does not say that it belongs to Kubernetes; and as `kubectl_at`.
        LinkError: the controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    target = setting.target
    if target.scheduler != KUBERNETES:
        raise ActionError(
            f"{plain(target.name, 60)} does not belong to Kubernetes",
            f'set scheduler = "kubernetes" for group {plain(target.group, 60)} in the inventory',
        )
    return await kubectl_at(await setting.controller(), target)


def decoded(text: str, kind: type[_T], who: str) -> _T:
    """JSON as `kind`.

    Raises:
        ActionError: it is not that.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ActionError(f"what {who} printed is not understood: {plain(str(error), 120)}") from None


def last_words(done: Completed) -> str:
    """Why kubectl failed, one line: what it says itself, without the log of its libraries."""
    lines = [
        clean
        for line in f"{done.stderr}\n{done.stdout}"[: 64 * 1024].split("\n")
        if (clean := plain(line, 300)) and LOGGED_LINE.match(clean) is None
    ]
    if not lines:
        return f"exit status {done.exit_status}, without a word"
    return next((line for line in lines if line.lower().startswith(("error", "unable", "the connection"))), lines[0])
