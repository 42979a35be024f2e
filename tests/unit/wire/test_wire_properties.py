"""Whatever bytes arrive: a message, or a `WireError` with a reason; and what is encoded is decoded as it was."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.errors import WireError
from leptontui.wire import Event, Hello, Sweep, decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({field.encode_name for kind in (Hello, Sweep, Event) for field in msgspec.structs.fields(kind)})


PLAIN = {
    msgspec.inspect.StrType: st.text(max_size=8),
    msgspec.inspect.IntType: st.integers(-(2**63), 2**64 - 1),
    msgspec.inspect.FloatType: st.floats(allow_nan=False, allow_infinity=False),
    msgspec.inspect.BoolType: st.booleans(),
}


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """A value of a wire type."""
    match kind:
        case msgspec.inspect.StructType():
            fields = {field.name: of_type(field.type) for field in kind.fields}
            return st.builds(kind.cls, **(fields | ({"v": st.just(1)} if "v" in fields else {})))
        case msgspec.inspect.UnionType():
            return st.one_of(*map(of_type, kind.types))
        case msgspec.inspect.VarTupleType():
            return st.lists(of_type(kind.item_type), max_size=2).map(tuple)
        case _:
            return PLAIN.get(type(kind), st.none())


def taken(line: bytes) -> bool:
    """Whether a line is a message; else a `WireError` says why it is not."""
    try:
        message = decode(line)
    except WireError as error:
        cause = error.cause
    else:
        assert isinstance(message, Hello | Sweep | Event)
        assert message.v == 1
        return True
    assert cause.strip()
    return False


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(line: bytes) -> None:
    taken(line)


@given(st.sampled_from(["hello", "sweep", "event", "other"]), st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6))
def test_any_json_is_a_message_or_refused(kind: str, fields: dict[str, Any]) -> None:
    required = {"v": 1, "seq": 1, "t_unix_s": 1, "t_mono_s": 1, "hostname": "h", "name": "xid"}
    taken(json.dumps({**required, **fields, "kind": kind}).encode())


@pytest.mark.parametrize("kind", [Hello, Sweep, Event])
def test_what_is_encoded_is_decoded_as_it_was(kind: type[msgspec.Struct]) -> None:
    @given(of_type(msgspec.inspect.type_info(kind)))
    def check(message: Any) -> None:
        line = encode(message)
        assert line.count(b"\n") == 1
        assert decode(line) == message

    check()


@given(of_type(msgspec.inspect.type_info(Sweep)), st.data())
def test_a_line_cut_short_is_refused(sweep: Sweep, data: st.DataObject) -> None:
    line = encode(sweep).strip()
    assert not taken(line[: data.draw(st.integers(0, len(line) - 1))])


@given(st.integers())
def test_another_version_is_refused_with_both_named(version: int) -> None:
    line = json.dumps({"kind": "event", "v": version, "t_unix_s": 1, "name": "xid"}).encode()
    if version == 1:
        assert taken(line)
    else:
        with pytest.raises(WireError):
            decode(line)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e999", '"1.5"', "[1]", "9" * 5000, "01", "+1", "0x1"]
)
def test_what_is_no_number_is_refused(value: str) -> None:
    assert not taken(b'{"kind":"sweep","v":1,"seq":1,"t_unix_s":1,"t_mono_s":1,"load1":%s}' % value.encode())
