"""A stage for what is restarted: one host behind a scripted transport, planned and run without a desk."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from leptontui.actions.parameters import complete
from leptontui.actions.passwords import Passwords
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.registry import PREPARE
from leptontui.actions.runner import Record, carry_out
from leptontui.actions.setting import Setting
from leptontui.model.action import ActionRequest, Danger, Outcome, Plan, Step
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import T0, Facts, FakeAsker, ScriptedTransport


class Stage:
    """The host h1, an engineer who may be asked for passwords, and a clock that goes on while something sleeps."""

    def __init__(
        self,
        answer: Callable[[tuple[str, ...]], Completed],
        target: HostTarget | None = None,
        *,
        asker: FakeAsker | None = None,
    ) -> None:
        self.target = target or HostTarget("h1", group="gpus")
        self.transport = ScriptedTransport(answer, "oncall@10.0.0.1:22")
        self.passwords = Passwords(asker)
        self.now = T0
        self.slept: list[float] = []
        self.told: list[str] = []
        self.record = Record()
        self.on_sleep: Callable[[], None] = lambda: None

    async def prepare(self, request: ActionRequest) -> Prepared:
        spec = SHIPPED[request.action]
        setting = Setting(
            request=complete(request, spec),
            spec=spec,
            target=self.target,
            fleet=Fleet("fleet", (self.target,)),
            facts=Facts(),
            user="anna",
            plan_id="p1",
            clock=lambda: self.now,
            sleep=self.sleep,
            tell=self.told.append,
            reach_of=self.reach_of,
        )
        return await PREPARE[request.action](setting)

    async def reach_of(self, target: HostTarget) -> Reach:
        await self.transport.connect()
        return Reach.of(target, self.transport, self.passwords)

    async def run(self, prepared: Prepared) -> Outcome:
        return await carry_out(prepared, self.record, lambda: self.now, tell=self.told.append, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()
        await asyncio.sleep(0)


@dataclass
class ScriptedDeed(Deed):
    """Verdicts in turn, the last one for ever; exceptions are raised."""

    verdicts: list[Verdict | Exception]
    patience: float = 180.0
    needed: Callable[[int], bool] = lambda _: True
    asked: int = 0

    @property
    def patience_s(self) -> float:
        return self.patience

    async def check_again(self) -> None:
        return None

    async def verify(self) -> Verdict:
        self.asked += 1
        verdict = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    async def is_needed(self, number: int) -> bool:
        return self.needed(number)


async def prepared_of(
    stage: Stage, deed: Deed, *argvs: Sequence[str], take_back: dict[int, str] | None = None
) -> Prepared:
    """A plan of these commands."""
    reach = await stage.reach_of(stage.target)
    steps = tuple(Step("h1", reach.login, tuple(argv)) for argv in argvs)
    plan = Plan("p1", ActionRequest("custom/x", "h1"), "Do it", Danger.HARMLESS, steps, "it is so")
    back = {number: Step("h1", reach.login, tuple(words.split())) for number, words in (take_back or {}).items()}
    return Prepared(plan, stage.target, (reach,), deed, T0, back)


@dataclass
class FakeContainer:
    """One container, as Docker tells of it."""

    name: str = "vllm"
    ident: str = "0123456789ab" * 5 + "abcd"
    starts: int = 1
    is_running: bool = True
    health: str = ""
    restarts: int = 0

    def shown(self) -> str:
        state: dict[str, object] = {
            "Status": "running" if self.is_running else "exited",
            "Running": self.is_running,
            "ExitCode": 0 if self.is_running else 1,
            "StartedAt": f"2026-11-21T18:00:{self.starts:02d}.5Z",
        }
        if self.health:
            state["Health"] = {"Status": self.health, "Log": [{"Output": "secret"}]}
        parts = (self.ident, f"/{self.name}", "vllm/vllm-openai:v0.9", self.restarts, state)
        return " ".join(json.dumps(part) for part in parts) + "\n"


@dataclass
class FakeDocker:
    """Docker, or Podman, with a few containers and one Compose project; only root may ask where `is_locked`."""

    containers: list[FakeContainer] = field(default_factory=lambda: [FakeContainer()])
    program: str = "docker"
    is_locked: bool = False
    as_root: bool = False
    obeys: bool = True

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv == ("id", "-u"):
            return Completed(0, "1000\n", "")
        if argv[:2] == ("sudo", "-n"):
            rest = argv[3:] if argv[2] == "-l" else argv[2:]
            return Completed(0, "", "") if argv[2] == "-l" else replace(self, is_locked=False)(rest)
        if argv[0] != self.program:
            return Completed(127, "", f"{argv[0]}: not found")
        if self.is_locked:
            return Completed(1, "", "permission denied while trying to connect to the Docker daemon socket\n")
        return self.answer(argv[1:])

    def answer(self, words: tuple[str, ...]) -> Completed:
        match words:
            case ("inspect", "--type", "container", "--format", _, name):
                found = next((box for box in self.containers if box.name == name or box.ident.startswith(name)), None)
                return (
                    Completed(0, found.shown(), "")
                    if found
                    else Completed(1, "\n", f"Error: No such container: {name}")
                )
            case ("restart", name):
                self.start(box for box in self.containers if box.name == name)
                return Completed(0, f"{name}\n", "")
            case ("logs", *_):
                return Completed(0, "", "CUDA out of memory\n")
            case ("compose", "--project-directory", _, *rest):
                return self.compose(tuple(rest))
        return Completed(1, "", f"unknown command {words}")

    def compose(self, words: tuple[str, ...]) -> Completed:
        if words[0] == "ps":
            return Completed(0, "".join(f"{box.ident}\n" for box in self.containers), "")
        if words[0] == "restart":
            self.start(self.containers)
        if words[0] == "up" and self.obeys:
            wanted = int(words[words.index("--scale") + 1].partition("=")[2])
            del self.containers[wanted:]
            while len(self.containers) < wanted:
                number = len(self.containers)
                self.containers.append(FakeContainer(f"vllm-api-{number}", f"{number:064x}"))
        return Completed(0, "", "")

    def start(self, boxes: object) -> None:
        for box in boxes if self.obeys else ():  # type: ignore[attr-defined]
            box.starts += 1
            box.is_running = True
