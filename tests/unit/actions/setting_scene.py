"""A preparer's setting for tests: hosts that answer by a function, a clock that goes on only by sleeping."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from leptontui.actions.parameters import complete
from leptontui.actions.passwords import Passwords
from leptontui.actions.reach import Reach
from leptontui.actions.setting import Setting
from leptontui.errors import LinkError
from leptontui.model.action import ActionRequest
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import OUTPUT_LIMIT, Completed, Heard

T0 = 1_800_000_000.0
Answer = Callable[[tuple[str, ...]], Completed | Exception]


def said(stdout: str = "", exit_status: int = 0, stderr: str = "") -> Completed:
    return Completed(exit_status, stdout, stderr)


def not_found(argv: tuple[str, ...]) -> Completed:
    return Completed(127, "", f"sh: {argv[0]}: not found")


def link_error(cause: str = "the link dropped") -> LinkError:
    return LinkError(Fault(FaultKind.LINK_DROPPED, cause))


@dataclass
class Answering:
    """A transport that answers by a function and keeps what was asked."""

    answer: Answer
    address: str = "root@somewhere"
    ran: list[tuple[str, ...]] = field(default_factory=list)

    async def connect(self) -> None:
        pass

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30.0,
        stdin: bytes = b"",
        output_limit: int = OUTPUT_LIMIT,
        heard: Heard | None = None,
    ) -> Completed:
        assert not isinstance(argv, str)
        asked = tuple(argv)
        self.ran.append(asked)
        if asked == ("id", "-u"):
            return said("0\n" if self.address.startswith("root@") else "1000\n")
        answer = self.answer(asked)
        if isinstance(answer, Exception):
            raise answer
        stdout = answer.stdout.encode()[:output_limit].decode(errors="replace")
        return Completed(answer.exit_status, stdout, answer.stderr)

    @property
    def asked(self) -> list[str]:
        """What was run, as lines, without the questions for who logs in."""
        return [" ".join(argv) for argv in self.ran if argv != ("id", "-u")]


class Clock:
    """Goes on by sleeping."""

    def __init__(self) -> None:
        self.now = T0
        self.told: list[str] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def tell(self, line: str) -> None:
        self.told.append(line)


class Facts:
    interval_s = 1.0

    def link_of(self, host: str) -> None:
        return None

    def age_s_of(self, host: str) -> float | None:
        return 0.1


def setting_of(
    request: ActionRequest,
    answers: dict[str, Answering],
    *,
    target: HostTarget | None = None,
    spec: ActionSpec | None = None,
    clock: Clock | None = None,
    passwords: Passwords | None = None,
) -> Setting:
    """A setting for `request`; `answers` by host name, that of the controller among them."""
    clock = clock or Clock()
    target = target or HostTarget(request.host, scheduler="slurm", controller="login1")
    fleet = Fleet("fleet", (target,), {"login1": HostTarget("login1")})
    spec = spec or SHIPPED[request.action]

    async def reach_of(host: HostTarget) -> Reach:
        if host.name not in answers:
            raise link_error(f"{host.name} does not answer")
        return Reach.of(host, answers[host.name], passwords)

    return Setting(
        request=complete(request, spec),
        spec=spec,
        target=target,
        fleet=fleet,
        facts=Facts(),
        user="anna",
        plan_id="0123456789abcdef",
        clock=clock,
        sleep=clock.sleep,
        tell=clock.tell,
        reach_of=reach_of,
    )
