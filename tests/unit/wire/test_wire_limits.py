"""A line of the allowed length cannot hold more than a host has."""

import json

import pytest

from leptontui.errors import WireError
from leptontui.wire import MAX_ITEMS, Hello, Sweep, decode


def sweep(**said: object) -> bytes:
    return json.dumps({"kind": "sweep", "v": 1, "seq": 0, "t_unix_s": 1, "t_mono_s": 1, **said}).encode()


def test_a_list_may_be_long() -> None:
    message = decode(sweep(cpu={"cores_pct": [0] * MAX_ITEMS}))
    assert isinstance(message, Sweep)
    assert len(message.cpu.cores_pct) == MAX_ITEMS


@pytest.mark.parametrize(
    "said",
    [
        {"cpu": {"cores_pct": [0] * (MAX_ITEMS + 1)}},
        {"gpus": [{"uuid": ""}] * (MAX_ITEMS + 1)},
        {"filesystems": [{"mount": ""}] * (MAX_ITEMS + 1)},
        {"disks": [{"device": ""}] * (MAX_ITEMS + 1)},
        {"nics": [{"nic": ""}] * (MAX_ITEMS + 1)},
        {"processes": [{"uuid": "", "pid": 1}] * (MAX_ITEMS + 1)},
    ],
    ids=lambda said: next(iter(said)),
)
def test_a_list_beyond_the_limit_is_not_the_protocol(said: dict[str, object]) -> None:
    with pytest.raises(WireError):
        decode(sweep(**said))


@pytest.mark.parametrize(
    ("name", "item"), [("gpus", {"index": 0, "uuid": ""}), ("unavailable", {"what": "", "why": ""})]
)
def test_a_greeting_is_bounded_too(name: str, item: dict[str, object]) -> None:
    greeting = {"kind": "hello", "v": 1, "t_unix_s": 1, "hostname": "a"}
    assert isinstance(decode(json.dumps(greeting | {name: [item]}).encode()), Hello)
    with pytest.raises(WireError):
        decode(json.dumps(greeting | {name: [item] * (MAX_ITEMS + 1)}).encode())
