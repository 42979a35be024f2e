"""Why a message did not get through, in words that hold no secret: neither address nor token nor what a server said."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from typing import Final

_STATUS: Final = {
    400: "it does not accept the message (400)",
    401: "it does not accept who we are (401); look at its token or password",
    403: "it does not allow this (403); look at its token or password",
    404: "there is nothing at this address (404)",
    405: "it takes no messages at this address (405)",
    407: "the proxy asks for a login (407)",
    408: "it gave up waiting (408)",
    410: "this address is no longer in use (410)",
    413: "the message is too large for it (413)",
    422: "it does not accept the message (422)",
    429: "it asks us to send less (429)",
}
_FAILED_SERVER: Final = 500
_MAIL_LOGIN: Final = frozenset({432, 454, 530, 534, 535, 538})
_REDIRECT: Final = 300
_REFUSED_REQUEST: Final = 400
_ERRORS: Final = (
    ("certificate verify failed|certificateerror|self.signed|hostname mismatch", "its certificate is not trusted"),
    ("wrong.version.number|record layer failure|http request", "it does not speak TLS at this port"),
    ("ssl|tls", "TLS with it failed"),
    ("nameresolution|name or service not known|getaddrinfo|name resolution|no address associated|nodename nor",
     "its name cannot be resolved"),
    ("connection refused|errno 111", "connection refused"),
    ("timed out|timeout", "it did not answer in time"),
    ("no route to host|errno 113", "no route to it"),
    ("network is unreachable|errno 101", "the network is unreachable"),
    ("connection reset|connection aborted|broken pipe|remotedisconnected|without response|errno 104",
     "it closed the connection"),
    ("proxy", "the proxy does not let us through"),
    ("authentication|auth.*fail|credentials|login", "it does not accept who we are; look at its token or password"),
)  # fmt: skip
_KINDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (socket.gaierror, "its name cannot be resolved"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "it did not answer in time"),
    (ConnectionError, "it closed the connection"),
)
_NUMBERS: Final = {errno.EHOSTUNREACH: "no route to it", errno.ENETUNREACH: "the network is unreachable"}
UNTOLD: Final = "it was not accepted, without a reason"
LATE: Final = "it did not answer in time"


def of_status(status: int) -> str:
    """What an HTTP status says; "" for 200 to 299."""
    if status in _STATUS:
        return _STATUS[status]
    if status >= _FAILED_SERVER:
        return f"it has a fault of its own ({status})"
    if status >= _REFUSED_REQUEST:
        return f"it does not accept the message ({status})"
    if status >= _REDIRECT:
        return f"it sends us elsewhere ({status}); name the address that it points to"
    return ""


def of_words(text: str) -> str:
    """What a library's message comes to; "" if nothing is recognised. The text itself is never repeated."""
    if status := re.search(r"\berror=(\d{3})\b", text):
        return of_status(int(status.group(1)))
    if answer := re.search(r"\((\d{3}), b['\"]", text):
        return _of_mail(int(answer.group(1)))
    lowered = text[:4000].lower()
    return next((words for pattern, words in _ERRORS if re.search(pattern, lowered)), "")


def _of_mail(code: int) -> str:
    """What an SMTP server answered (RFC 5321, 4.2; RFC 4954, 6)."""
    if code in _MAIL_LOGIN:
        return f"it does not accept who we are ({code}); look at its token or password"
    return f"it takes no mail for now ({code})" if code < _FAILED_SERVER else f"it does not accept the message ({code})"


def of_error(error: BaseException) -> str:
    """What an exception comes to, looking at its causes first."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        reason = getattr(current, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        wrapped = next((arg for arg in current.args if isinstance(arg, BaseException)), None)
        current = inner or current.__cause__ or current.__context__ or wrapped
    for one in reversed(seen):
        if words := _of_one(one):
            return words
    return next((words for one in seen if (words := of_words(f"{type(one).__name__} {one}"))), "it failed")


def _of_one(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno in _NUMBERS:
        return _NUMBERS[error.errno]
    return next((words for kind, words in _KINDS if isinstance(error, kind)), "")
