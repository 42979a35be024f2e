"""What Docker or Podman says of one container, parsed, and whether that is a restart that took."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from leptontui.model.text import plain

FORMAT: Final = "{{json .Id}} {{json .Name}} {{json .Config.Image}} {{json .RestartCount}} {{json .State}}"
"""For `inspect --format`, which both know. The whole answer would hold the container's environment, and its secrets."""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container at one moment.

    Attributes:
        ident: its id.
        name: its name, without Docker's slash.
        image: what it was made of.
        status: "running", "exited", "restarting", …
        is_running: whether it runs.
        started: when it was started last, as printed.
        health: of its health check: "starting", "healthy", "unhealthy"; "" where it has none.
        restarts: how often it was restarted by itself, None where not said.
        exit_code: of its main process, None where not said.
    """

    ident: str
    name: str
    image: str = ""
    status: str = ""
    is_running: bool = False
    started: str = ""
    health: str = ""
    restarts: int | None = None
    exit_code: int | None = None

    @property
    def words(self) -> str:
        """For people: "running (healthy), of vllm/vllm-openai:v0.9, since …"."""
        health = f" ({self.health})" if self.health else ""
        parts = [f"{self.status or 'in an unknown state'}{health}"]
        if self.image:
            parts.append(f"of {self.image}")
        if self.is_running and self.started:
            parts.append(f"since {self.started}")
        if not self.is_running and self.exit_code is not None:
            parts.append(f"exit code {self.exit_code}")
        if self.restarts:
            parts.append(f"restarted by itself {self.restarts}×")
        return ", ".join(parts)

    def is_restart_of(self, before: ContainerState) -> bool:
        """Whether it was started anew since `before`."""
        return self.started != before.started or self.ident != before.ident


def parse_container(text: str) -> ContainerState | None:
    """Read what `inspect --format FORMAT` prints of one container; None if it makes no sense."""
    decoder, rest = json.JSONDecoder(), text.strip()
    values: list[Any] = []
    try:
        while rest and len(values) < 6:  # noqa: PLR2004 — one more than FORMAT has
            value, end = decoder.raw_decode(rest)
            values.append(value)
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError):
        return None
    match values:
        case [str() as ident, str() as name, image, restarts, dict() as state] if ident:
            return _read(ident, name, image, restarts, state)
    return None


def _read(ident: str, name: str, image: object, restarts: object, state: dict[str, Any]) -> ContainerState:
    health = state.get("Health") or state.get("Healthcheck")  # Docker and Podman 4; Podman 3
    word = health.get("Status") if isinstance(health, dict) else None
    code = state.get("ExitCode")
    return ContainerState(
        plain(ident, 80),
        plain(name, 200).removeprefix("/"),
        image=_text(image),
        status=_text(state.get("Status")),
        is_running=state.get("Running") is True,
        started=_text(state.get("StartedAt")),
        health="" if word in {None, "none"} else _text(word),
        restarts=restarts if isinstance(restarts, int) else None,
        exit_code=code if isinstance(code, int) else None,
    )


def _text(value: object) -> str:
    return plain(value, 120) if isinstance(value, str) else ""
