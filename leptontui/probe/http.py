"""A small HTTP client: one GET to this host itself, within a time and size, without redirects.

Written on sockets because http.client and urllib bring the whole email package with them: see the figures in `get`.
"""

import re
import socket
import time

LIMIT_BYTES = 4 << 20
"""Bytes of an answer that are read."""
_HEAD_BYTES = 1 << 15
_CHUNK = 1 << 16
_MOST_CHUNKS = 8192
"""Of one answer: thousands of tiny ones cost more to read than the page is worth."""
_HIGHEST_PORT = 65535
_PORTS = {"http": 80, "https": 443}
_LOCALHOST = ("127.0.0.1", "::1")

_URL = re.compile(r"(https?)://([^/?#\s]*)([!-\"$-~]*)(?:#.*)?\Z", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]@]+))(?::(\d{1,5}))?\Z")
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})(?: |\r|\Z)")


class Refused(Exception):
    """The URL is not one that may be asked; says why."""


class Failed(Exception):
    """There was no proper answer; says why."""


def parse_url(url):
    """(scheme, addresses to try, host as written, port, path) of a URL on this host.

    Raises:
        Refused: it is not one, or not on this host.
    """
    match = _URL.match(url)
    if match is None:
        raise Refused("not an http or https URL")
    scheme, authority, path = match.group(1).lower(), match.group(2), match.group(3)
    if "@" in authority:
        raise Refused("credentials in a URL are not supported")
    match = _AUTHORITY.match(authority)
    if match is None:
        raise Refused("no host in the URL")
    host = (match.group(1) or match.group(2)).lower()
    port = int(match.group(3)) if match.group(3) else _PORTS[scheme]
    if not 0 < port <= _HIGHEST_PORT:
        raise Refused("no such port: %d" % port)
    return scheme, _loopback(host), authority, port, path if path.startswith("/") else "/" + path


def _loopback(host):
    if host == "localhost":
        # Not looked up: a resolver may ask the network, or answer with another host.
        return _LOCALHOST
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            packed = socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        if packed[0] == 127 if family == socket.AF_INET else packed == b"\0" * 15 + b"\1":  # noqa: PLR2004 — 127/8
            return (host,)
    raise Refused("only this host itself is asked (127.0.0.0/8, ::1, localhost), not %s" % host)


class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        latency_s: seconds until the head of the answer was complete.
        is_cut: whether its body was longer than what is read.
        location: where a redirect points to, None without one.
    """

    def __init__(self, status, latency_s, headers):
        self.status = status
        self.latency_s = latency_s
        self.is_cut = False
        self.location = headers.get(b"location")


class _Stream:
    """A socket with a deadline."""

    def __init__(self, scheme, addresses, port, timeout_s):
        self.timeout_s = timeout_s
        self._until = time.monotonic() + timeout_s
        self._rest = b""
        error = None
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._connect(scheme, address, port)
            except (OSError, ValueError) as failure:
                self._socket.close()
                # Where the first address refuses, that is what to tell, not that there is no IPv6.
                error = error or failure
            else:
                return
        raise self._in_words(error)

    def _connect(self, scheme, address, port):
        self._socket.settimeout(self._left())
        self._socket.connect((address, port))
        if scheme == "https":
            self._encrypt()

    def _encrypt(self):
        try:
            # Costs megabytes: only for those who ask for it.
            import ssl  # noqa: PLC0415
        except ImportError as error:
            raise OSError("this Python has no ssl module") from error
        # The other end is this host itself; its certificate is for another name.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)

    def _left(self):
        left = self._until - time.monotonic()
        if left <= 0.0:
            raise socket.timeout("timed out")
        return left

    def _in_words(self, error):
        if isinstance(error, socket.timeout):
            return Failed("no answer within %g s" % self.timeout_s)
        return Failed(getattr(error, "strerror", None) or str(error) or type(error).__name__)

    def close(self):
        self._socket.close()

    def send(self, request):
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(request)
        except OSError as error:
            raise self._in_words(error) from error

    def some(self, most=_CHUNK):
        """At most `most` bytes; none at the end."""
        if self._rest:
            piece, self._rest = self._rest[:most], self._rest[most:]
            return piece
        try:
            self._socket.settimeout(self._left())
            return self._socket.recv(most)
        except OSError as error:
            raise self._in_words(error) from error

    def until(self, end, limit):
        """All up to `end`, which is dropped."""
        found = b""
        while True:
            piece = self.some()
            if not piece:
                raise Failed("the answer broke off")
            # From a little before: the end may be cut in two.
            start = max(0, len(found) - len(end))
            found += piece
            at = found.find(end, start)
            if at >= 0:
                self._rest = found[at + len(end) :] + self._rest
                return found[:at]
            if len(found) > limit:
                raise Failed("not an HTTP answer" if limit == _HEAD_BYTES else "the answer's chunks are malformed")


def get(url, timeout_s, sink=None, limit_bytes=LIMIT_BYTES):
    """GET `url`. Import costs 0.3 ms and 0.1 MB beyond socket; http.client 14 ms and 3.5 MB (Python 3.11).

    Args:
        url: http, or https without verification, of this host.
        timeout_s: for all of it.
        sink: called with the pieces of a 2xx answer's body; None leaves the body unread.
        limit_bytes: what lies beyond is not read.

    Raises:
        Refused: the URL may not be asked.
        Failed: there was no proper answer in time.
    """
    scheme, addresses, authority, port, path = parse_url(url)
    begun = time.monotonic()
    stream = _Stream(scheme, addresses, port, timeout_s)
    try:
        stream.send(
            b"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: leptontui\r\nAccept: text/plain;version=0.0.4, */*;q=0.1\r\n"
            b"Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
            % (path.encode("ascii"), authority.encode("ascii"))
        )
        status, headers = _head(stream)
        answer = Answer(status, time.monotonic() - begun, headers)
        if sink is not None and status // 100 == 2:  # noqa: PLR2004 — 2xx
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                raise Failed("the answer is compressed")
            answer.is_cut = _body(stream, headers, sink, limit_bytes)
        return answer
    finally:
        stream.close()


def _head(stream):
    while True:
        lines = stream.until(b"\r\n\r\n", _HEAD_BYTES).split(b"\r\n")
        match = _STATUS.match(lines[0])
        if match is None:
            raise Failed("not an HTTP answer")
        status = int(match.group(1))
        # An interim answer is followed by the real one.
        if status // 100 != 1:
            break
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    return status, headers


def _body(stream, headers, sink, limit):
    """Hand the body to `sink`; returns whether it was cut."""
    if headers.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
        return _chunks(stream, sink, limit)
    length = headers.get(b"content-length")
    if length is not None and not length.isdigit():
        raise Failed("the answer's length is malformed")
    left = None if length is None else int(length)
    return _plain(stream, sink, left, limit) > limit


def _plain(stream, sink, left, limit):
    """Hand `left` bytes, or all there are, to `sink`; returns how many there were, more than `limit` where cut."""
    taken = 0
    while left is None or taken < left:
        room = limit - taken
        if room <= 0:
            return limit + 1
        piece = stream.some(min(_CHUNK, room, _CHUNK if left is None else left - taken))
        if not piece:
            if left is not None:
                raise Failed("the answer broke off")
            break
        taken += len(piece)
        sink(piece)
    return taken


def _chunks(stream, sink, limit):
    taken = 0
    for _ in range(_MOST_CHUNKS):
        line = stream.until(b"\r\n", 256).partition(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError as error:
            raise Failed("the answer's chunks are malformed") from error
        if size < 0 or b"_" in line:
            raise Failed("the answer's chunks are malformed")
        if not size:
            return False
        got = _plain(stream, sink, size, limit - taken)
        if got > limit - taken:
            return True
        taken += got
        if stream.until(b"\r\n", 256):
            raise Failed("the answer's chunks are malformed")
    raise Failed("the answer comes in more than %d chunks" % _MOST_CHUNKS)
