"""Every way a dial can fail has its own words; what a host says in them is cleaned."""

import errno
import os
import socket

import asyncssh
import pytest

from leptontui.errors import ConfigError, LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.transport.dialled import Dialled, Stage
from leptontui.transport.faults import fault_of
from leptontui.transport.known_hosts import StoredKey

HERE = Dialled(
    name="gpu-1",
    address="ops@10.0.0.7:22",
    host="10.0.0.7",
    port=22,
    user="ops",
    command="ssh gpu-1",
    known_hosts=("/home/ops/.ssh/known_hosts",),
    identities=("/home/ops/.ssh/id_ed25519", "/home/ops/.ssh/id_rsa"),
    has_agent=True,
    is_key_asked=True,
)
STORED = (StoredKey("/home/ops/.ssh/known_hosts:7", "SHA256:old", "ssh-rsa"),)


def here(**fields):
    import dataclasses

    return dataclasses.replace(HERE, **fields)


def numbered(number):
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "dialled", "kind", "words"),
    [
        (
            asyncssh.HostKeyNotVerifiable("Host key is not trusted"),
            here(offered=("ssh-ed25519", "SHA256:new")),
            FaultKind.HOST_KEY_UNKNOWN,
            ["ssh-ed25519", "SHA256:new", "ssh gpu-1", "ssh-keyscan -p 22 10.0.0.7", "/home/ops/.ssh/known_hosts"],
        ),
        (
            asyncssh.HostKeyNotVerifiable("Host CA key is not trusted"),
            HERE,
            FaultKind.HOST_KEY_UNKNOWN,
            ["CA key is not trusted"],
        ),
        (
            asyncssh.HostKeyNotVerifiable("Host key is not trusted"),
            here(offered=("ssh-ed25519", "SHA256:new"), stored=STORED),
            FaultKind.HOST_KEY_CHANGED,
            ["HAS CHANGED", "SHA256:new", "SHA256:old", "known_hosts:7"],
        ),
        (
            asyncssh.KeyExchangeFailed("No matching server host key algorithm found"),
            here(stored=STORED),
            FaultKind.HOST_KEY_CHANGED,
            ["HAS CHANGED", "SHA256:old"],
        ),
        (
            asyncssh.HostKeyNotVerifiable("Host key is revoked for host gpu-1"),
            here(stored=STORED),
            FaultKind.HOST_KEY_CHANGED,
            ["REVOKED", "do not connect"],
        ),
        (
            asyncssh.PermissionDenied("Permission denied"),
            HERE,
            FaultKind.PERMISSION_DENIED,
            ["ops", "gpu-1", "publickey", "2 from files", "agent's included", "authorized_keys"],
        ),
        (
            asyncssh.PermissionDenied("Permission denied"),
            here(unusable=("/k: needs a passphrase",)),
            FaultKind.PERMISSION_DENIED,
            ["publickey", "/k: needs a passphrase"],
        ),
        (
            asyncssh.PermissionDenied("Permission denied"),
            here(is_key_asked=False),
            FaultKind.PERMISSION_DENIED,
            ["no login by key", "PubkeyAuthentication"],
        ),
        (
            asyncssh.PermissionDenied("Permission denied"),
            here(identities=(), unusable=("/k: needs a passphrase",)),
            FaultKind.KEY_UNUSABLE,
            ["/k: needs a passphrase", "ssh-add"],
        ),
        (
            asyncssh.ProtocolError("Too many authentication failures"),
            HERE,
            FaultKind.PERMISSION_DENIED,
            ["IdentitiesOnly"],
        ),
        (asyncssh.KeyImportError("Invalid key"), HERE, FaultKind.KEY_UNUSABLE, ["Invalid key"]),
        (
            socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
            HERE,
            FaultKind.NAME_UNKNOWN,
            ["10.0.0.7", "Name or service not known"],
        ),
        (numbered(errno.ECONNREFUSED), HERE, FaultKind.CONNECTION_REFUSED, ["port 22", "sshd"]),
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 22), [Errno 111] Connect call failed"
            ),
            HERE,
            FaultKind.CONNECTION_REFUSED,
            ["port 22"],
        ),
        (numbered(errno.EHOSTUNREACH), HERE, FaultKind.NO_ROUTE, ["no route to 10.0.0.7"]),
        (numbered(errno.ENETUNREACH), HERE, FaultKind.NO_ROUTE, ["no route to 10.0.0.7", "VPN"]),
        (numbered(errno.ETIMEDOUT), HERE, FaultKind.TIME_OUT, ["ops@10.0.0.7:22"]),
        (TimeoutError(), HERE, FaultKind.TIME_OUT, ["within 10 s", "firewall"]),
        (numbered(errno.ECONNRESET), HERE, FaultKind.LINK_DROPPED, ["dropped the connection"]),
        (numbered(errno.EMFILE), HERE, FaultKind.NO_ROUTE, ["too many open files", "ulimit -n"]),
        (OSError(errno.ENFILE, "x", "/some/file"), HERE, FaultKind.NO_ROUTE, ["too many open files"]),
        (FileNotFoundError(errno.ENOENT, "No such file", "/etc/cfg"), HERE, FaultKind.CONFIG, ["/etc/cfg"]),
        (asyncssh.ConnectionLost("Connection lost"), HERE, FaultKind.LINK_DROPPED, ["gpu-1 broke"]),
        (asyncssh.ConnectionLost("x"), here(via="bastion"), FaultKind.LINK_DROPPED, ["through bastion"]),
        (
            asyncssh.ConnectionLost("Server not responding to keepalive"),
            HERE,
            FaultKind.TIME_OUT,
            ["went silent", "keepalives"],
        ),
        (asyncssh.ConnectionLost("Login timeout expired"), HERE, FaultKind.TIME_OUT, ["did not complete the login"]),
        (asyncssh.DisconnectError(11, "bye"), HERE, FaultKind.LINK_DROPPED, ["hung up", "bye"]),
        (asyncssh.KeyExchangeFailed("No matching cipher"), HERE, FaultKind.PROTOCOL, ["No matching cipher"]),
        (asyncssh.ProtocolNotSupported("SSH-1.5"), HERE, FaultKind.PROTOCOL, ["SSH-1.5"]),
        (asyncssh.IllegalUserName("bad"), HERE, FaultKind.CONFIG, ["user name"]),
        (ValueError("Port: many"), HERE, FaultKind.CONFIG, ["Port: many"]),
        (ConfigError(["a: b"], "mend it"), HERE, FaultKind.CONFIG, ["a: b", "mend it"]),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Session refused"),
            HERE,
            FaultKind.PERMISSION_DENIED,
            ["refused to run a command", "MaxSessions"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "no more"),
            HERE,
            FaultKind.HOST_BUSY,
            ["out of resources"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "no more"),
            here(via="bastion"),
            FaultKind.HOST_BUSY,
            ["bastion takes no more"],
        ),
        (
            asyncssh.ConnectionLost("Connection lost"),
            here(stage=Stage.CONNECTED),
            FaultKind.HOST_BUSY,
            ["before its greeting", "MaxStartups"],
        ),
        (numbered(errno.ECONNRESET), here(stage=Stage.GREETED), FaultKind.HOST_BUSY, ["key exchange", "MaxStartups"]),
        (
            TimeoutError(),
            here(stage=Stage.CONNECTED),
            FaultKind.TIME_OUT,
            ["no SSH greeting within 10 s", "sshd listens"],
        ),
        (TimeoutError(), here(stage=Stage.AGREED), FaultKind.TIME_OUT, ["did not complete the login", "try `ssh"]),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "SSH connection closed"),
            HERE,
            FaultKind.LINK_DROPPED,
            ["broke"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection refused"),
            here(via="bastion"),
            FaultKind.CONNECTION_REFUSED,
            ["bastion could not reach 10.0.0.7:22"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Name or service not known"),
            here(via="bastion"),
            FaultKind.NAME_UNKNOWN,
            ["looked up on bastion"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "Connection timed out"),
            here(via="bastion"),
            FaultKind.TIME_OUT,
            ["bastion"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "No route to host"),
            here(via="bastion"),
            FaultKind.NO_ROUTE,
            ["No route to host"],
        ),
        (
            asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed"),
            here(via="bastion"),
            FaultKind.PERMISSION_DENIED,
            ["bastion does not forward", "AllowTcpForwarding"],
        ),
        (RuntimeError("odd"), HERE, FaultKind.LINK_DROPPED, ["RuntimeError", "odd"]),
    ],
)
def test_each_error_has_its_fault(error, dialled, kind, words):
    fault = fault_of(error, dialled)
    assert fault.kind is kind
    text = f"{fault.cause} | {fault.mend}"
    for word in words:
        assert word in text


def test_a_fault_that_is_there_already_is_kept():
    fault = Fault(FaultKind.NO_PYTHON, "cause", "mend")
    assert fault_of(LinkError(fault), HERE) is fault


@pytest.mark.parametrize(
    "error",
    [
        asyncssh.DisconnectError(11, "\x1b[2J\x1b]0;pwned\x07bye\u202e\n" * 100),
        asyncssh.ProtocolError("\x1b[31m" * 1000 + "x" * 1000),
        asyncssh.ChannelOpenError(1, "\r\n\x9b31m" + "y" * 1000),
        asyncssh.KeyExchangeFailed("z\x00" * 1000),
        RuntimeError("\x1b[A" * 5000),
    ],
)
@pytest.mark.parametrize("via", ["", "bastion"])
def test_what_a_host_says_is_cleaned_and_cut(error, via):
    fault = fault_of(error, here(via=via))
    assert fault.cause.isprintable()
    assert len(fault.cause) < 320
    assert "pwned" not in fault.cause
