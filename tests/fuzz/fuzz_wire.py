"""Fuzzes what a host may say, from bytes to the report: `python tests/fuzz/fuzz_wire.py [--seconds 30] [--seed N]`.

Lines of the protocol are mutated, as bytes and as JSON, cut into chunks of any size and given to what takes them in the
program: the line buffer, the judge of a connection's speech, the decoder, the store, the event log, health, the
document and the report of `check`. A line may be refused with a reason. Everything else that is raised, a text not fit
for a terminal, a column that changes its type, a value beyond its bounds or more rows than a host may have is a
failure: it is printed with the seed and the input that reproduce it, and the exit status is 1.

Inputs that were taken as messages are kept and mutated further, so that mutations add up.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl

from leptontui.engine.events import EventLog, event_of
from leptontui.engine.publisher import Ingredients, Publisher
from leptontui.engine.roster import Roster
from leptontui.errors import LinkError, WireError
from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.focus import Focus
from leptontui.model.link import Link, LinkState
from leptontui.model.series import Entity, ForecasterStatus
from leptontui.model.target import Fleet, HostTarget
from leptontui.sources.ssh_speech import Speech
from leptontui.store.schema import LISTS_OF
from leptontui.store.store import Store
from leptontui.transport.lines import LineBuffer
from leptontui.view.document import document_of, plain_report
from leptontui.wire import Event, Hello, Message, Received, Sweep

HOSTS = ("a", "b")
T0 = 1_760_000_000.0
EVERY = 20
"""Lines between two snapshots."""
KEPT = 400
# fmt: off
NASTY_BYTES = (
    b"\x00", b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\n", b"\r\n", b'"', b"\\", b"\\u0000", b"\\ud800",
    b"\x1b[2J", b"{", b"}", b"[" * 200, b"NaN", b"1e999", b"-0", b"9" * 5000, b"true", b"null", b",", b":",
)
NASTY_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**300, 10**400, 0.1, -0.0,
    1e308, -1e308, 5e-324, "", "x" * 5000, "\x1b]0;x\x07", "\u202e", "\x00", "[bold red]", "{}", "/", "1.5", "G0", "G1",
    [], {}, [None], [[]], {"kind": "hello"}, "xid", "gpu-lost", "driver-hung", "driver-answers", "counter", "active",
    "down", 79, 31, 154, T0, "reset", "reboot", "completed",
)
# fmt: on
TEXT_LIMIT = 400


def example(of: msgspec.inspect.Type, chance: random.Random) -> Any:
    """Something ordinary of a type."""
    match of:
        case msgspec.inspect.StructType():
            return {field.encode_name: example(field.type, chance) for field in of.fields}
        case msgspec.inspect.UnionType():
            return example(of.types[0], chance)
        case msgspec.inspect.VarTupleType():
            return [example(of.item_type, chance) for _ in range(chance.randint(1, 3))]
        case msgspec.inspect.StrType():
            return chance.choice(["G0", "G1", "eth0", "active", "none", "/"])
        case msgspec.inspect.BoolType():
            return chance.random() < 0.2
        case _:
            return chance.randint(0, 100)


def seeds(chance: random.Random) -> list[bytes]:
    """Full messages of every kind."""
    found = []
    for kind, tag in ((Hello, "hello"), (Sweep, "sweep"), (Event, "event")):
        for number in range(6):
            said = example(msgspec.inspect.type_info(kind), chance)
            said |= {"v": 1, "t_unix_s": T0 + number, "t_mono_s": 100.0 + number, "is_history": False}
            found.append(json.dumps({"kind": tag, **said}, separators=(",", ":")).encode())
    return found


def mutated_bytes(line: bytes, chance: random.Random, corpus: list[bytes]) -> bytes:
    """A few bytes changed, cut out, doubled, put in, or the half of another line."""
    raw = bytearray(line)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        at = chance.randint(0, len(raw))
        end = min(len(raw), at + chance.choice([1, 1, 4, 64]))
        match chance.randrange(6):
            case 0 if raw:
                raw[min(at, len(raw) - 1)] = chance.randrange(256)
            case 1:
                del raw[at:end]
            case 2:
                raw[at:at] = raw[at:end] * chance.choice([1, 2, 50])
            case 3:
                raw[at:at] = chance.choice(NASTY_BYTES)
            case 4:
                raw[at:] = chance.choice(corpus)[at:]
            case _:
                raw[at:end] = chance.randbytes(end - at)
    return bytes(raw)


def mutated_json(line: bytes, chance: random.Random) -> bytes:
    """A few values changed, keys dropped, lists made long; itself where it is no JSON."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return line
    for _ in range(chance.choice([1, 1, 2, 5])):
        inside: Any = value
        while isinstance(inside, dict | list) and inside:
            key = chance.choice(list(inside)) if isinstance(inside, dict) else chance.randrange(len(inside))
            deeper = inside[key]
            if isinstance(deeper, dict | list) and deeper and chance.random() < 0.8:
                inside = deeper
                continue
            match chance.randrange(5):
                case 0 if not isinstance(inside, dict) or key != "kind":
                    del inside[key]
                case 1 if isinstance(deeper, list) and deeper:
                    inside[key] = (deeper * 5000)[: chance.choice([2, 70, 300, 4096, 5000])]
                case _ if key not in {"kind", "v"} or chance.random() < 0.05:
                    inside[key] = copy.copy(chance.choice(NASTY_VALUES))
            break
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return line


class Program:
    """Those parts of the program that take what hosts say, wired as the engine does it, by a clock of its own."""

    def __init__(self) -> None:
        fleet = Fleet("fuzz", tuple(HostTarget(host, gpus=2) for host in HOSTS))
        self.now = 0.0
        self._store = Store(1.0)
        self._schemas = {entity: self._store.latest(entity).schema for entity in Entity}
        self._events = EventLog()
        self._roster = Roster(fleet, T0)
        self._publisher = Publisher(fleet, self._store, self._roster, 1.0)
        self._buffers = {host: LineBuffer() for host in HOSTS}
        self._speeches = {host: Speech(1.0) for host in HOSTS}
        self._batch: list[Received] = []
        self._is_shown_well = True
        self.outcomes: Counter[str] = Counter()

    def hear(self, host: str, said: bytes, sizes: Callable[[], int]) -> bool:
        """Take `said` in chunks; returns whether some message was in it."""
        heard = False
        while said:
            size = sizes()
            chunk, said = said[:size], said[size:]
            try:
                for line in self._buffers[host].feed(chunk):
                    message = self._speeches[host].hear(line, self.now)
                    self.outcomes["message" if message is not None else "overlooked"] += 1
                    if message is not None:
                        heard = True
                        self._take(host, message)
            except (WireError, LinkError) as error:
                self._is_shown_well &= str(error).isprintable()
                self.outcomes["refused"] += 1
                self._buffers[host], self._speeches[host] = LineBuffer(), Speech(1.0)
        return heard

    def _take(self, host: str, message: Message) -> None:
        self.outcomes[type(message).__name__] += 1
        received = Received(host, message, T0 + self.now, self.now)
        self._batch.append(received)
        match message:
            case Event():
                self._events.add(event_of(received, message, 0.0))
            case Hello():
                self._events.greet(host, message, T0 + self.now)
            case Sweep(is_history=False):
                self._events.heard(host, message, T0 + self.now)
                self._roster.update(Link(host, LinkState.LIVE, T0))

    def publish(self) -> None:
        """A tick and a snapshot, with everything that must hold then."""
        assert self._is_shown_well, "a reason that is not fit for a terminal"
        self._store.append(self._batch)
        self._batch.clear()
        circumstances = self._events.circumstances
        snapshot = self._publisher.snapshot(
            T0 + self.now,
            Ingredients(
                0, self._events.newest, {}, ForecasterStatus(), Focus(), {}, circumstances, self._events.current
            ),
        )
        for entity in Entity:
            self._check(entity, self._store.latest(entity))
        for host, said in self._store.oddities(self.now).items():
            assert host in HOSTS
            assert all(text.isprintable() and len(text) < TEXT_LIMIT for text in said), said
        self._store.happened()
        document = document_of(snapshot)
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert all(line.isprintable() for line in plain_report(snapshot).split("\n"))

    def _check(self, entity: Entity, frame: pl.DataFrame) -> None:
        assert frame.schema == self._schemas[entity], entity
        if entity in LISTS_OF:
            assert frame.height <= LISTS_OF[entity][1] * len(HOSTS), (entity, frame.height)
        for item in metrics_of(entity):
            if item.kind is Kind.COUNTER:
                values = frame[item.rate_name].drop_nulls()
                assert (values >= 0).all(), item.rate_name
                assert values.is_finite().all(), item.rate_name
            elif item.kind is Kind.TEXT:
                assert all(text.isprintable() and len(text) <= TEXT_LIMIT for text in frame[item.name].drop_nulls())
            elif item.kind in {Kind.GAUGE, Kind.TOTAL}:
                values = frame[item.name].drop_nulls()
                assert item.lower is None or (values >= item.lower).all(), item.name
                assert item.upper is None or (values <= item.upper).all(), item.name


def fuzz(seconds: float, seed: int) -> int:
    """Fuzz for so long; returns how many failures there were."""
    chance = random.Random(seed)
    corpus = seeds(chance)
    fixed = len(corpus)
    program, outcomes = Program(), Counter[str]()
    executions, snapshots, failures = 0, 0, 0
    recent: list[bytes] = []
    began = time.monotonic()

    def size() -> int:
        return chance.choice([1, 7, 100, 4096, 1 << 20])

    while time.monotonic() - began < seconds:
        line = chance.choice(corpus)
        for _ in range(chance.choice([0, 1, 1, 2])):
            line = mutated_json(line, chance) if chance.random() < 0.7 else mutated_bytes(line, chance, corpus)
        line = line[: 3 << 20]
        recent.append(line)
        program.now += chance.choice([0.0, 0.1, 1.0, 1.0, 30.0])
        executions += 1
        try:
            host = chance.choice(HOSTS)
            if executions % EVERY == 1:
                program.hear(host, chance.choice(corpus[:6]) + b"\n", lambda: 1 << 20)
            if program.hear(host, line + b"\n", size) and len(line) < 20_000:
                if len(corpus) >= KEPT:
                    del corpus[chance.randrange(fixed, len(corpus))]
                corpus.append(line)
            if executions % EVERY == 0:
                program.publish()
                snapshots += 1
                recent.clear()
        except BaseException as error:  # a panic in polars is no Exception
            if isinstance(error, KeyboardInterrupt):
                break
            failures += 1
            print(f"FAILURE {failures} (seed {seed}, execution {executions}): {type(error).__name__}: {error}"[:400])
            print("".join(traceback.format_exception(error)[-3:])[:2000])
            for said in recent[-EVERY:]:
                print("  input", base64.b64encode(said[:4096]).decode())
            outcomes += program.outcomes
            program = Program()
            recent.clear()
    outcomes += program.outcomes
    wall = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
    print(f"seed {seed}: {executions} executions in {wall:.0f} s ({executions / wall:.0f}/s), {snapshots} snapshots")
    print(f"  {told}; corpus {len(corpus)}; peak RSS {peak:.0f} MiB")
    print(f"  {failures} failures")
    return failures


def main() -> int:
    """Fuzz as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument(
        "--seed", type=int, default=None, help="the same seed mutates in the same way (default: by time)"
    )
    arguments = parser.parse_args()
    return 1 if fuzz(arguments.seconds, arguments.seed if arguments.seed is not None else time.time_ns() % 10**6) else 0


if __name__ == "__main__":
    sys.exit(main())
