"""A stage for the actions' tests: a scripted transport with a small systemd and a small Slurm behind it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from leptontui.actions.audit import Audit
from leptontui.actions.desk import Desk
from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind, Link, LinkState
from leptontui.model.question import Question
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Completed, Heard

T0 = 1_800_000_000.0
UNIT = "vllm.service"
OK = Completed(0, "", "")


def link_error(cause: str = "the link dropped") -> LinkError:
    return LinkError(Fault(FaultKind.LINK_DROPPED, cause))


@dataclass
class ScriptedTransport:
    """Records what is run, and answers by asking `answer`; raises it where it is an exception."""

    answer: Callable[[tuple[str, ...]], Completed]
    dialled: str = "root@somewhere"
    address: str = "as the inventory names it"
    ran: list[tuple[str, ...]] = field(default_factory=list)
    instead: dict[str, Exception | Completed] = field(default_factory=dict)
    before: Callable[[tuple[str, ...]], None] = lambda _: None
    after: Callable[[tuple[str, ...]], None] = lambda _: None
    stdin: list[tuple[tuple[str, ...], bytes]] = field(default_factory=list)
    sudo: "FakeSudo | None" = None

    async def connect(self) -> None:
        """Only now is it known who logs in: the user's own configuration says so."""
        self.address = self.dialled

    async def run(
        self, argv: Sequence[str], *, timeout_s: float = 30.0, stdin: bytes = b"", heard: Heard | None = None
    ) -> Completed:
        assert not isinstance(argv, str)
        asked = tuple(argv)
        self.ran.append(asked)
        self.stdin.append((asked, stdin))
        self.before(asked)
        for part, otherwise in self.instead.items():
            if part in " ".join(asked):
                if isinstance(otherwise, Completed):
                    return _played(otherwise, heard)
                raise otherwise
        answered = self.answer(asked) if self.sudo is None else self.sudo(asked, stdin, self.answer)
        self.after(asked)
        return _played(answered, heard)

    @property
    def changes(self) -> list[tuple[str, ...]]:
        """What was run that changes something."""
        return [argv for argv in self.ran if ("restart" in argv and "-l" not in argv) or "update" in argv]


def _played(done: Completed, heard: Heard | None) -> Completed:
    """What was printed, told while it ran."""
    for text in (done.stdout, done.stderr):
        if heard is not None and text:
            heard(text.encode(errors="replace"))
    return done


@dataclass
class FakeSudo:
    """sudo as sudoers lets it: commands that need no password, and one for all others.

    Attributes:
        password: what opens it.
        without: commands, as whole lines, that need none.
        lists: whether `sudo -n -l` lists without a password, because something else needs none.
        ran_as_root: what it ran.
        tried: every line that was read as a password.
    """

    password: str = "correct horse"
    without: tuple[str, ...] = ()
    lists: bool = False
    ran_as_root: list[tuple[str, ...]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def __call__(self, argv: tuple[str, ...], stdin: bytes, run: Callable[[tuple[str, ...]], Completed]) -> Completed:
        if argv[0] != "sudo":
            return run(argv)
        if argv[:3] == ("sudo", "-n", "-l"):
            is_free = self.lists or " ".join(argv[3:]) in self.without
            return Completed(0, argv[3], "") if is_free else Completed(1, "", "sudo: a password is required\n")
        if argv[:2] == ("sudo", "-n"):
            if " ".join(argv[2:]) not in self.without:
                return Completed(1, "", "sudo: a password is required\n")
            return self._run(argv[2:], run)
        assert argv[:5] == ("sudo", "-k", "-S", "-p", "")
        line = stdin.decode().removesuffix("\n")
        self.tried.append(line)
        if line != self.password:
            return Completed(
                1, "", "Sorry, try again.\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n"
            )
        return OK if argv[5] == "-v" else self._run(argv[5:], run)

    def _run(self, argv: tuple[str, ...], run: Callable[[tuple[str, ...]], Completed]) -> Completed:
        self.ran_as_root.append(argv)
        return run(argv)


class FakeAsker:
    """A user who answers what the test says, in order, and then declines."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else None


@dataclass
class FakeSystemd:
    """One unit that starts anew with every restart."""

    uid: int = 1000
    load: str = "loaded"
    active: str = "active"
    sub: str = "running"
    kind: str = "notify"
    starts: int = 1
    restarts_itself: int = 0
    obeys: bool = True

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv == ("id", "-u"):
            return Completed(0, f"{self.uid}\n", "")
        if argv[:3] == ("sudo", "-n", "-l"):
            return Completed(0, "/usr/bin/systemctl\n", "")
        if "restart" in argv:
            if self.obeys:
                self.starts += 1
                self.active, self.sub = "active", "running"
            return OK
        if argv[:2] == ("systemctl", "show") or argv[2:5] == ("systemctl", "--user", "show"):
            return Completed(0, self.show(), "")
        if argv[:2] == ("loginctl", "show-user"):
            return Completed(0, "Linger=yes\n", "")
        return Completed(127, "", f"{argv[0]}: not found")

    def show(self) -> str:
        invocation = f"{self.starts:032x}" if self.starts else ""
        return (
            f"LoadState={self.load}\nActiveState={self.active}\nSubState={self.sub}\nResult=success\nType={self.kind}\n"
            f"RemainAfterExit=no\nMainPID={4000 + self.starts}\nInvocationID={invocation}\n"
            f"ActiveEnterTimestamp=Mon 2026-11-02 03:00:00 UTC\nActiveEnterTimestampMonotonic={self.starts}\n"
            f"NRestarts={self.restarts_itself}\nNeedDaemonReload=no\n"
        )


@dataclass
class FakeSlurm:
    """Nodes with a state and a reason, printed as Slurm 22.05 prints them."""

    nodes: dict[str, list[str]] = field(default_factory=dict)
    jobs: str = ""
    obeys: bool = True

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv[:3] == ("scontrol", "show", "node"):
            name = argv[3]
            return (
                Completed(0, self.show(name), "") if name in self.nodes else Completed(1, f"Node {name} not found", "")
            )
        if argv[:2] == ("scontrol", "update"):
            return self.update(dict(pair.split("=", 1) for pair in argv[2:]))
        if argv[0] == "squeue":
            return Completed(0, self.jobs, "")
        if argv[0] == "sinfo":
            short = {True: "drain", False: "idle"}
            rows = [f"{name}|{short['DRAIN' in state]}|train*" for name, (state, _) in self.nodes.items()]
            return Completed(0, "\n".join(rows), "")
        return Completed(127, "", f"{argv[0]}: not found")

    def show(self, name: str) -> str:
        state, reason = self.nodes[name]
        lines = [
            f"NodeName={name} Arch=x86_64 CoresPerSocket=1 ",
            "   OS=Linux 6.1 #1 SMP State=SPOOFED ",
            f"   State={state} ThreadsPerCore=1 Owner=N/A",
            "   Partitions=train ",
        ]
        return "\n".join([*lines, *([f"   Reason={reason} [root@2026-11-21T00:33:01]"] if reason else []), "", ""])

    def update(self, pairs: dict[str, str]) -> Completed:
        node = self.nodes[pairs["nodename"]]
        if self.obeys and pairs["state"] == "DRAIN":
            node[:] = [f"{node[0].removesuffix('+DRAIN')}+DRAIN", pairs["reason"]]
        elif self.obeys:
            node[:] = ["IDLE", ""]
        return OK


class Facts:
    """Links and ages as a test wants them; live and fresh unless told otherwise."""

    interval_s = 1.0

    def __init__(self) -> None:
        self.states: dict[str, LinkState] = {}
        self.ages: dict[str, float | None] = {}

    def link_of(self, host: str) -> Link | None:
        return Link(host, self.states.get(host, LinkState.LIVE), T0 - 100)

    def age_s_of(self, host: str) -> float | None:
        return self.ages.get(host, 0.4)


class Scene:
    """A desk, the host gpu-017 and its controller login1 behind it, a clock that stands still, and the audit."""

    def __init__(
        self,
        audit: Path,
        *,
        user: str = "anna",
        target: HostTarget | None = None,
        fellows: int = 7,
        **desk: Any,
    ) -> None:
        self.now = T0
        self.slept: list[float] = []
        self.systemd = FakeSystemd()
        self.slurm = FakeSlurm({f"gpu-{n:03d}": ["IDLE", ""] for n in (17, 18, 19)})
        self.host = ScriptedTransport(self.systemd, "oncall@10.0.0.17:22")
        self.controller = ScriptedTransport(self.slurm, "oncall@login1:22")
        self.facts = Facts()
        self.audit = audit
        self.target = target or HostTarget("gpu-017", scheduler="slurm", controller="login1", units=(UNIT,))
        others = tuple(HostTarget(f"gpu-1{n:02d}") for n in range(fellows))
        self.desk = Desk(
            Fleet("fleet", (self.target, *others), {"login1": HostTarget("login1", user="oncall")}),
            transport_of=lambda target: self.controller if target.name == "login1" else self.host,
            facts=self.facts,
            audit=Audit(audit, sudo_user="bea"),
            user=user,
            clock=lambda: self.now,
            sleep=lambda seconds: self._sleep(seconds),  # noqa: PLW0108 — a test may put another one in its place
            **desk,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    @property
    def lines(self) -> list[SimpleNamespace]:
        """The audit, decoded."""
        if not self.audit.exists():
            return []
        return [SimpleNamespace(**json.loads(line)) for line in self.audit.read_text().splitlines()]

    @property
    def events(self) -> list[str]:
        return [line.event for line in self.lines]

    @property
    def changes(self) -> list[tuple[str, ...]]:
        return self.host.changes + self.controller.changes
