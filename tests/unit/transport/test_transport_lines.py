"""Lines out of pieces: nothing lost, nothing longer than the limit kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.errors import WireError
from leptontui.transport.lines import Clipped, LineBuffer, Tail


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b""))), st.data())
def test_lines_do_not_depend_on_the_pieces(lines, data):
    stream = b"".join(line + b"\n" for line in lines)
    buffer, found = LineBuffer(limit=64), []
    while stream:
        size = data.draw(st.integers(min_value=1, max_value=len(stream)))
        found += buffer.feed(stream[:size])
        stream = stream[size:]
    assert found == lines
    assert buffer.rest() == b""


def test_carriage_returns_and_a_last_line_without_newline():
    buffer = LineBuffer()
    assert buffer.feed(b"a\r\nb\nc") == [b"a", b"b"]
    assert buffer.rest() == b"c"
    assert buffer.rest() == b""


@pytest.mark.parametrize(
    "pieces", [[b"x" * 11], [b"x" * 6, b"x" * 5], [b"a\n" + b"x" * 11 + b"\n"], [b"a\n" + b"x" * 11]]
)
def test_a_longer_line_is_an_error(pieces):
    buffer = LineBuffer(limit=10)
    with pytest.raises(WireError):
        list(map(buffer.feed, pieces))


def test_the_longest_line_is_not_an_error():
    buffer = LineBuffer(limit=10)
    assert buffer.feed(b"x" * 10) == []
    assert buffer.feed(b"\n" + b"y" * 10 + b"\n") == [b"x" * 10, b"y" * 10]


@given(st.lists(st.binary(max_size=20)), st.integers(min_value=1, max_value=50))
def test_head_and_tail_of_a_stream(pieces, limit):
    head, tail, whole = Clipped(limit), Tail(limit), b"".join(pieces)
    for piece in pieces:
        head.feed(piece)
        tail.feed(piece)
    assert head.text() == whole[:limit].decode("utf-8", "replace")
    assert tail.text() == whole[-limit:].decode("utf-8", "replace")
