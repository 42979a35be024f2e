"""Services asked over real sockets: good ones, slow, huge, redirecting, garbled and silent ones, and other hosts."""

import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui import wire
from leptontui.probe import http as client
from leptontui.probe import processes, scripts, services
from leptontui.probe.http import Failed, Refused, get, parse_url
from leptontui.probe.services import ServiceReader, bounded, next_turn
from leptontui.store.schema import LISTS_OF

WAIT_S = 30.0
LONG_S = 20.0
PAGE = b"# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting 7\nother 1\n"


class Handler(http.server.BaseHTTPRequestHandler):
    """Pages by path."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        name = self.path.partition("?")[0].strip("/").replace("-", "_")
        getattr(self, "page_" + name, lambda: self.answer(404))()

    def page_(self):
        self.answer(200)

    def page_health(self):
        self.answer(self.server.status, b"{}")

    def page_metrics(self):
        self.answer(200, self.server.page)

    def page_moved(self):
        self.answer(302, Location=self.server.location)

    def page_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(PAGE), 7):
            piece = PAGE[at : at + 7]
            self.wfile.write(b"%x;x=y\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def page_without_length(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)
        self.close_connection = True

    def page_cut(self):
        self.answer(200, PAGE, Content_Length=str(len(PAGE) + 1))
        self.close_connection = True

    def page_gzip(self):
        self.answer(200, b"\x1f\x8b\x08", Content_Encoding="gzip")

    def page_endless(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while not self.server.is_over.is_set():
                self.wfile.write(b'a{x="1"} 1\n' * 5000)

    def page_silent(self):
        self.server.is_over.wait(WAIT_S)

    def page_trickle(self):
        with contextlib.suppress(OSError):
            while not self.server.is_over.wait(0.01):
                self.wfile.write(b"H")

    def page_garbage(self):
        self.wfile.write(b"\x00\xff\x1b[31m" * 20 + b"\r\n\r\n")
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address=("127.0.0.1", 0)):
        super().__init__(address, Handler)
        self.asked, self.status, self.page, self.location = [], 200, PAGE, "http://127.0.0.1/"
        self.is_over = threading.Event()

    def url(self, path=""):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        thread.join(WAIT_S)
        server.server_close()


@pytest.fixture
def server():
    with serving(Server()) as server:
        yield server


def body(url, timeout_s=LONG_S, **options):
    pieces = []
    answer = get(url, timeout_s, pieces.append, **options)
    return answer, b"".join(pieces)


@pytest.mark.parametrize("path", ["metrics", "chunked", "without-length"])
def test_a_page_arrives_whole_however_it_is_framed(server, path):
    answer, page = body(server.url(path + "?a=b#fragment"))
    assert (answer.status, page, answer.is_cut) == (200, PAGE, False)
    assert 0.0 < answer.latency_s < LONG_S
    path, headers = server.asked[0]
    assert path.endswith("?a=b")
    assert headers["Host"] == f"127.0.0.1:{server.server_address[1]}"


def test_localhost_and_ipv6_loopback(server):
    assert get(f"http://localhost:{server.server_address[1]}/", LONG_S).status == 200

    class Six(Server):
        address_family = socket.AF_INET6

    try:
        six = Six(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    with serving(six):
        assert get(f"http://[::1]:{six.server_address[1]}/", LONG_S).status == 200
        # Where nothing listens on 127.0.0.1.
        assert get(f"http://localhost:{six.server_address[1]}/", LONG_S).status == 200


def test_https_without_verification(server, tmp_path):
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere.example"]
    made = subprocess.run([*command, "-keyout", key, "-out", certificate], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    secure = Server()
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    with serving(secure):
        assert body(secure.url("metrics").replace("http:", "https:"))[1] == PAGE
        with pytest.raises(Failed):
            get(server.url().replace("http:", "https:"), LONG_S)


def test_redirects_are_told_and_not_followed(server):
    server.location = "http://169.254.169.254/latest/meta-data"
    answer = get(server.url("moved"), LONG_S, lambda _: pytest.fail("a redirect's body is not read"))
    assert (answer.status, answer.location) == (302, b"http://169.254.169.254/latest/meta-data")
    assert len(server.asked) == 1


def test_an_endless_page_is_cut(server):
    answer, page = body(server.url("endless"), limit_bytes=1 << 18)
    assert answer.is_cut
    assert len(page) == 1 << 18


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("silent", "no answer within 0.2 s"),
        ("trickle", "no answer within 0.2 s|not an HTTP answer"),
        ("garbage", "not an HTTP answer"),
        ("cut", "the answer broke off"),
        ("gzip", "the answer is compressed"),
    ],
)
def test_what_is_no_answer(server, path, why):
    with pytest.raises(Failed, match=why):
        body(server.url(path), 0.2 if "0.2" in why else LONG_S)


def test_nobody_listens():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(Failed, match="refused"):
            get(f"http://127.0.0.1:{taken.getsockname()[1]}/", LONG_S)


def test_a_port_that_accepts_and_says_nothing():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with pytest.raises(Failed, match=r"no answer within 0\.1 s"):
            get(f"http://127.0.0.1:{deaf.getsockname()[1]}/", 0.1)


@contextlib.contextmanager
def saying(content):
    """A port that says `content` to whoever asks, and hangs up."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def serve():
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(content)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join(WAIT_S)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 9000 + b"0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20000 + b"\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ],
)
def test_malformed_answers_are_failures(content):
    with saying(content) as url, pytest.raises(Failed):
        body(url)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"]),
)
def test_any_answer_is_one_or_a_failure(content, before):
    with saying(before + content) as url, contextlib.suppress(Failed):
        assert 100 <= body(url)[0].status <= 999


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://localhost@example.com/",
        "http://example.com@localhost/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::2]/",
        "http://[::1%25eth0]/",
        "http://127.0.0.1\\@example.com/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1\0/",
        "http://127.0.0.1/\r\nHost: example.com",
        "http://127.0.0.1/a b",
        "http:///",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "unix:///run/docker.sock",
        "",
    ],
)
def test_only_this_host_itself_is_asked(url):
    with pytest.raises(Refused):
        parse_url(url)


@given(st.text(max_size=40), st.sampled_from(["", "http://", "http://127.0.0.1", "http://localhost:80"]))
def test_any_url_is_refused_or_of_this_host(text, before):
    try:
        _, addresses, authority, port, path = parse_url(before + text)
    except Refused:
        return
    assert all(address == "::1" or address.startswith("127.") for address in addresses)
    assert 0 < port < 65536
    assert (authority + path).isascii()
    assert not set("\r\n \0").intersection(authority + path)


# The reader


def spec(server, name="vllm", **more):
    return {"name": name, "health": server.url("health"), "metrics": server.url("metrics"), "timeout_s": LONG_S, **more}


def asked(reader, now=0.0):
    """What the reader has once all have answered."""
    reader.read(now)
    reader.join(WAIT_S)
    return reader.read(now)


def test_a_healthy_service_and_what_is_known_of_its_page(server):
    rows, samples = asked(ServiceReader([spec(server)]))
    latency_s = rows[0].pop("latency_s")
    assert 0.0 < latency_s < LONG_S
    assert rows == [{"service": "vllm", "is_healthy": True, "status": 200, "why": None}]
    assert samples == [{"source": "vllm", "series": "vllm:num_requests_waiting", "value": 7.0, "kind": "gauge"}]
    sweep = {"kind": "sweep", "v": wire.VERSION, "seq": 0, "t_unix_s": 0.0, "t_mono_s": 0.0}
    message = wire.decode(json.dumps(dict(sweep, services=rows, samples=samples)).encode())
    assert message.services[0].is_healthy
    assert message.samples[0].value == 7.0


def test_the_series_asked_for_and_no_others(server):
    assert [row["series"] for row in asked(ServiceReader([spec(server, series=["oth*"])]))[1]] == ["other"]
    rows, samples = asked(ServiceReader([spec(server, series=["none"])]))
    assert samples == []
    assert rows[0]["why"] == "metrics: none of the series asked for is on the page"


def test_an_unhealthy_service_says_how(server):
    server.status = 503
    rows, samples = asked(ServiceReader([spec(server)]))
    assert (rows[0]["is_healthy"], rows[0]["status"]) == (False, 503)
    assert rows[0]["why"] == "health: HTTP status 503"
    assert len(samples) == 1


@pytest.mark.parametrize(
    ("more", "is_healthy", "why"),
    [
        ({"health": "http://127.0.0.1:1/"}, False, "health: Connection refused"),
        ({"health": "http://example.com/"}, None, "health: only this host itself is asked"),
        ({"health": "moved"}, False, r"health: redirects to http://127.0.0.1/, not followed"),
        ({"health": "silent", "timeout_s": 0.1}, False, "health: no answer within 0.1 s"),
        ({"metrics": "missing"}, True, "metrics: HTTP status 404"),
        ({"metrics": "moved"}, True, "metrics: redirects to"),
        ({"metrics": "garbage"}, True, "metrics: not an HTTP answer"),
        ({"metrics": "gzip"}, True, "metrics: the answer is compressed"),
    ],
)
def test_what_is_wrong_is_said(server, more, is_healthy, why):
    more = {
        key: server.url(value) if isinstance(value, str) and "/" not in value else value for key, value in more.items()
    }
    rows, samples = asked(ServiceReader([spec(server, **more)]))
    assert rows[0]["is_healthy"] is is_healthy
    assert why in rows[0]["why"]
    assert ("metrics" in more) == (not samples)


def test_hostile_words_of_a_service_are_printable(server):
    server.location = "http://\x1b[31m[bold]"
    server.page = b"vllm:num_requests_waiting{ \x1b]0;owned\x07\n"
    rows, _ = asked(ServiceReader([spec(server, health=server.url("moved"), name="a\x1b[2Jb")]))
    assert rows[0]["service"] == "a [2Jb"
    assert rows[0]["why"].isprintable()
    assert "1 lines not understood" in rows[0]["why"]


def test_a_flood_of_series_is_cut_and_it_is_said(server):
    server.page = b"".join(b'flood{x="%d"} 1\n' % number for number in range(20000))
    specs = [spec(server, name=f"s{number}", series=["flood"]) for number in range(3)]
    reader = ServiceReader(specs)
    for now in (0.0, 0.5, 1.0):
        asked(reader, now)
    rows, samples = reader.read(1.0)
    assert len(samples) == services.MOST_SAMPLES
    assert all("the rest was left out" in row["why"] for row in rows)


def test_what_is_told_is_no_more_than_the_program_keeps():
    kept = dict(LISTS_OF.values())
    assert kept["samples"] >= services.MOST_SAMPLES + scripts.MOST_SAMPLES
    assert kept["services"] >= services.MOST_SERVICES
    assert kept["processes"] >= processes.MOST


def test_one_that_hangs_does_not_keep_the_others_back():
    is_over, has_begun, woken = threading.Event(), threading.Event(), threading.Event()

    def fetch(url, _timeout_s, _sink=None):
        if url == "hangs":
            has_begun.set()
            is_over.wait(WAIT_S)
        return client.Answer(200, 0.01, {})

    specs = [{"name": url, "health": url} for url in ("hangs", "answers")]
    reader = ServiceReader(specs, woken.set, fetch)
    try:
        reader.read(0.0)
        reader.read(1.0)
        assert woken.wait(WAIT_S)
        assert has_begun.wait(WAIT_S)
        rows, _ = reader.read(1.0)
        assert [row["service"] for row in rows] == ["answers"]
        # As long as it takes the reader to give it up.
        for patrol in reader._patrols:
            patrol.limit_s = 0.0
        rows, _ = reader.read(1.0)
        assert rows[0] == {"service": "hangs", "is_healthy": False, "why": "asking it hangs"}
    finally:
        is_over.set()


def test_services_are_asked_at_their_cadence_and_never_twice_at_a_time(server):
    reader = ServiceReader([spec(server, metrics=None, interval_s=5.0)])
    for now in (0.0, 1.0, 4.9, 5.0, 9.9, 10.0, 100.0, 101.0):
        asked(reader, now)
    assert len(server.asked) == 4
    # What was said last is said in between.
    assert reader.read(102.0)[0][0]["is_healthy"]


def test_after_a_page_that_failed_rates_begin_anew():
    count = iter((10, 20, None, 30, 40))

    def fetch(_url, _timeout_s, sink):
        number = next(count)
        if number is None:
            raise Failed("it is restarted")
        sink(b"a_total %d\n" % number)
        return client.Answer(200, 0.01, {})

    reader = ServiceReader([{"name": "s", "metrics": "x", "series": ["a_total"]}], fetch=fetch)
    values = []
    for now in (0.0, 10.0, 20.0, 30.0, 40.0):
        rows, samples = asked(reader, now)
        values.append([row["value"] is None for row in samples])
        assert rows[0].get("why") == ("metrics: it is restarted" if now == 20.0 else None)
    assert values == [[True], [False], [], [True], [False]]


def test_cadences_are_within_bounds_and_without_drift():
    assert bounded("x", 5.0, 1.0, 10.0) == 5.0
    assert bounded(float("nan"), 5.0, 1.0, 10.0) == 5.0
    assert bounded(0.0001, 5.0, 1.0, 10.0) == 1.0
    assert bounded(1e9, 5.0, 1.0, 10.0) == 10.0
    assert next_turn(10.0, 5.0, 10.3) == 15.0
    assert next_turn(10.0, 5.0, 60.0) == 65.0


def test_no_services_cost_nothing():
    reader = ServiceReader(None)
    assert reader.read(0.0) == ([], [])
    assert reader.is_idle


def test_what_is_wrong_in_the_reader_itself_is_one_services_trouble(server):
    rows, _ = asked(ServiceReader([{"name": "odd", "health": 5}, spec(server)]), 0.0)
    assert rows[0]["service"] == "odd"
    assert "TypeError" in rows[0]["why"]


def test_asking_over_http_does_not_load_the_email_package():
    script = "import sys\nfrom leptontui.probe import services\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"email", "http.client", "urllib.request", "ssl"}.intersection(loaded)
