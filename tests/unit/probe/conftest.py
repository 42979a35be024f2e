"""A probe launched as on a host, with a stand-in for NVML, and trees of kernel files."""

import contextlib
import ctypes
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pynvml
import pytest

from leptontui.model.target import HostTarget
from leptontui.sources.bundle import launch_argv, launch_stdin
from leptontui.wire import Event, Hello, Message, Sweep, decode
from tests.nvml import fake_nvml

LIMIT_S = 30.0
"""Longer than anything here takes on a busy machine; nothing waits for it to pass."""


class Launched:
    """A probe that runs, and what it has said."""

    def __init__(self, argv: Sequence[str], stdin: bytes, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        self._rest = b""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(stdin)
            self.process.stdin.flush()

    def say(self) -> Message:
        """The next message, decoded as the program decodes it."""
        return decode(self.line())

    def line(self) -> bytes:
        """The next line, without the newline."""
        until = time.monotonic() + LIMIT_S
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("the probe says nothing")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise EOFError(self.process.stderr.read().decode())
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message that is `wanted`; what comes before is dropped."""
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until:
            message = self.say()
            if wanted(message):
                return message
        raise TimeoutError("the probe does not say what is waited for")

    def hello(self) -> Hello:
        return self.until(lambda message: isinstance(message, Hello))

    def sweep(self, wanted: Callable[[Sweep], bool] = lambda _: True) -> Sweep:
        return self.until(lambda message: isinstance(message, Sweep) and wanted(message))

    def event(self, name: str) -> Event:
        return self.until(lambda message: isinstance(message, Event) and message.name == name)

    def end(self) -> int:
        """Close its stdin; returns its exit status."""
        self.process.stdin.close()
        return self.process.wait(LIMIT_S)


Launch = Callable[..., Launched]


HOST = HostTarget("gpu001")


def stdin_of(*, interval_s: float = 0.1, target: HostTarget = HOST, **config: object) -> bytes:
    """What is sent to a probe, with more in its header than the program sends."""
    sent = launch_stdin(target=target, interval_s=interval_s, phase=0.25)
    start = sent.index(b"{")
    header, newline, rest = sent[start:].partition(b"\n")
    return sent[:start] + json.dumps({**json.loads(header), **config}).encode() + newline + rest


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Launches probes exactly as a transport does, `sh` and all; they are gone at the end."""
    running: list[Launched] = []

    def start(
        *,
        environment: Mapping[str, str] = MappingProxyType({}),
        path: str = "",
        argv: Sequence[str] = (),
        stdin: bytes | None = None,
        **config: object,
    ) -> Launched:
        inherited = {"PATH": path or os.environ["PATH"], "HOME": "/"}
        stdin = stdin_of(**config) if stdin is None else stdin
        probe = Launched(argv or launch_argv(), stdin, {**inherited, **environment})
        running.append(probe)
        return probe

    yield start
    for probe in running:
        probe.process.kill()
        probe.process.wait()
        for pipe in (probe.process.stdin, probe.process.stdout, probe.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for libnvidia-ml.so.1."""
    if os.environ.get("LEPTON_LAB") != "required" and not (shutil.which("gcc") or shutil.which("cc")):
        pytest.skip("no C compiler, so no stand-in for NVML")
    return fake_nvml.build(tmp_path_factory.mktemp("nvml"))


class Gpus:
    """GPUs whose readings a test sets."""

    def __init__(self, library: Path, path: Path) -> None:
        self._path = path
        self._library = library
        self.environment = fake_nvml.environment(library, path)

    def set(self, **readings: fake_nvml.Value) -> None:
        """Replace all readings; `gpu0_temp=64` is `gpu0.temp 64`."""
        fake_nvml.write_readings(
            self._path, {key.replace("_", ".", 1) if key.startswith("gpu") else key: readings[key] for key in readings}
        )

    def remove(self) -> None:
        """Unload the driver."""
        self._path.unlink()

    def asked(self, key: str) -> int:
        """How often a key was asked for in this process, by any test so far."""
        return ctypes.CDLL(str(self._library)).fake_nvml_asked(key.encode())

    def samples(self) -> int:
        """How many samples of performance monitors are held in this process."""
        return ctypes.CDLL(str(self._library)).fake_nvml_samples()


@pytest.fixture
def gpus(library: Path, tmp_path: Path) -> Gpus:
    """Two GPUs."""
    gpus = Gpus(library, tmp_path / "readings")
    gpus.set(count=2)
    return gpus


@pytest.fixture
def nvml(gpus: Gpus, library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ModuleType]]:
    """A loader of pynvml on the stand-in, for readings in this process."""
    monkeypatch.setenv(fake_nvml.VARIABLE, gpus.environment[fake_nvml.VARIABLE])

    def load() -> ModuleType:
        pynvml.nvmlLib = ctypes.CDLL(str(library))
        return pynvml

    yield load
    ctypes.CDLL(str(library)).nvmlShutdown()
    pynvml.nvmlLib = None
    pynvml._nvmlGetFunctionPointer_cache.clear()


class Sweeps:
    """Reads all GPUs as the driver's thread does, but here and now."""

    def __init__(self) -> None:
        self.xids: list[tuple[str | None, int]] = []
        self.uses: list[dict[str, object]] = []
        self.details: list[dict[str, object]] = []

    def __call__(self, host: Any, now: float) -> list[dict[str, object]]:
        """The readings; what else was told is in the attributes."""
        self.xids = host.prepare(now)
        answered = []
        for index in host.indices:
            try:
                answer, error = host.visit(index, now), None
            except Exception as raised:
                answer, error = None, raised
            host.take(index, answer, error, now)
            if index in host.told and answer is not None:
                answered.append(host.told[index])
        self.uses = [use for told in answered for use in told.uses]
        self.details = [row for told in answered for row in told.details]
        return [reading for told in answered for reading in told.readings]


@pytest.fixture
def sweep() -> Sweeps:
    """Reads all GPUs of a host: `sweep(host, now)`."""
    return Sweeps()


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], str]:
    """Writes files below a directory and returns its path: the readers' `proc`, `sys` or `etc`."""

    def write(files: Mapping[str, str | bytes]) -> str:
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(root)

    return write
