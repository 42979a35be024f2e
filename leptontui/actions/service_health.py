"""A service's own word on its health: its URL is asked on the host itself, as the inventory has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.reach import QUESTION_TIMEOUT_S, Reach, complaint
from leptontui.model.target import HostTarget, ServiceSpec
from leptontui.model.text import plain

WITHIN_S: Final = 300.0
"""So long a restarted service may take until it answers well: a model of 70 billion weights is loaded for minutes."""

_NOT_FOUND: Final = 127
_PYTHON: Final = """\
import sys, urllib.error, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    print(opener.open(sys.argv[1], timeout=float(sys.argv[2])).status)
except urllib.error.HTTPError as error:
    print(error.code)
except Exception as error:
    sys.exit(str(error))
"""


@dataclass(frozen=True, slots=True)
class Health:
    """What a service answered.

    Attributes:
        is_well: whether its answer was 2xx; None if it could not be asked.
        said: one line for people.
    """

    is_well: bool | None
    said: str


def service_of(target: HostTarget, name: str) -> ServiceSpec | None:
    """The service that the inventory calls as a unit or container is called, without ".service", if it has a URL."""
    bare = name.removesuffix(".service")
    return next((service for service in target.services if service.name == bare and service.health), None)


async def ask_health(reach: Reach, service: ServiceSpec) -> Health:
    """Ask the service's URL on its host, with curl or else Python.

    Raises:
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    url, limit = service.health or "", f"{service.timeout_s:g}"
    asked = ("curl", "-q", "-g", "-s", "-S", "--noproxy", "*", "-o", "/dev/null", "-m", limit, "-w", "%{http_code}")
    done = await reach.ask(*asked, "--url", url, timeout_s=QUESTION_TIMEOUT_S + service.timeout_s)
    if done.exit_status == _NOT_FOUND:
        done = await reach.ask("python3", "-c", _PYTHON, url, limit, timeout_s=QUESTION_TIMEOUT_S + service.timeout_s)
    if done.exit_status == _NOT_FOUND:
        return Health(None, f"its health was not asked: {reach.name} has neither curl nor python3")
    code = done.stdout.strip()
    if done.exit_status == 0 and code.isascii() and code.isdecimal():
        is_well = len(code) == 3 and code.startswith("2")  # noqa: PLR2004 — digits of an HTTP status
        return Health(is_well, f"{plain(url, 120)} answers {plain(code, 10)}")
    return Health(is_well=False, said=f"{plain(url, 120)} does not answer: {complaint(done)}")
