"""From a line to a message and back."""

from __future__ import annotations

import msgspec

from leptontui.errors import WireError
from leptontui.wire.limits import MAX_LINE_BYTES, VERSION
from leptontui.wire.messages import Message

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def decode(line: bytes) -> Message:
    """Decode one line.

    Raises:
        WireError: it is too long, not JSON, not a message, or of another protocol version.
    """
    if len(line) > MAX_LINE_BYTES:
        raise WireError(f"a line of {len(line)} bytes; the protocol's limit is {MAX_LINE_BYTES}")
    try:
        message = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"not a message of the probe: {error}") from error
    if message.v != VERSION:
        raise WireError(f"protocol version {message.v}; this program speaks {VERSION}")
    return message


def encode(message: Message) -> bytes:
    """Encode one message as a line, newline included."""
    return _encoder.encode(message) + b"\n"
