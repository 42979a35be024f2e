"""From an exception to a fault in plain words: what happened, and what the user can do about it."""

from __future__ import annotations

import errno
import re
import socket
from typing import Final

import asyncssh

from leptontui.errors import LeptonError, LinkError
from leptontui.model.link import Fault, FaultKind, OfferedKey
from leptontui.model.text import plain
from leptontui.transport.dialled import Dialled, Stage, listed_name

_LIMIT: Final = 200
"""Longest text in a fault that comes from a host, in characters."""
_DROPPED: Final = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})


_WAITED_FOR: Final = {
    Stage.APART: "no answer from {} within {:g} s",
    Stage.CONNECTED: "{} takes connections but sent no SSH greeting within {:g} s",
    Stage.GREETED: "{} did not finish the key exchange within {:g} s",
    Stage.AGREED: "{} did not complete the login within {:g} s",
}
_WAITED_IN_VAIN: Final = {
    Stage.APART: "check that the host is up and that no firewall drops the packets",
    Stage.CONNECTED: "check that sshd listens on that port; the host may be out of memory or hung",
    Stage.GREETED: "the host may be overloaded, or packets of full size get lost (MTU): try `{}`",
    Stage.AGREED: "the host may be overloaded, or its login may wait for a directory server: try `{}`",
}
"""What the user can do about it."""


def fault_of(error: BaseException, dialled: Dialled) -> Fault:
    """The fault behind `error`. Everything a host said in it is cleaned and cut to 200 characters."""
    match error:
        case LinkError(fault=Fault() as fault):
            pass
        case asyncssh.DisconnectError():
            fault = _of_ssh(error, dialled)
        case asyncssh.ChannelOpenError():
            fault = _of_channel(error, dialled)
        case OSError() if error.errno is not None or not isinstance(error, TimeoutError):
            fault = _of_os(error, dialled)
        case TimeoutError():
            words = _WAITED_FOR[dialled.stage].format(dialled.address, dialled.timeout_s)
            fault = Fault(FaultKind.TIME_OUT, words, _WAITED_IN_VAIN[dialled.stage].format(dialled.command))
        case asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
            fault = Fault(FaultKind.KEY_UNUSABLE, f"private key: {_clean(error)}", f"try `{dialled.command}`")
        case LeptonError():
            fault = Fault(FaultKind.CONFIG, plain(error.cause, _LIMIT), plain(error.mend, _LIMIT))
        case ValueError():
            mend = "correct it; `man ssh_config` tells how"
            fault = Fault(FaultKind.CONFIG, f"SSH configuration: {_clean(error)}", mend)
        case _:
            fault = Fault(FaultKind.LINK_DROPPED, f"{type(error).__name__}: {_clean(error)}")
    return fault


def _of_ssh(error: asyncssh.DisconnectError, dialled: Dialled) -> Fault:
    text = _clean(error.reason)
    match error:
        case asyncssh.HostKeyNotVerifiable():
            fault = _of_host_key(text, dialled)
        case asyncssh.PermissionDenied():
            fault = _of_permission(dialled)
        case _ if "authentication failures" in text.lower():
            fault = Fault(
                FaultKind.PERMISSION_DENIED,
                f"permission denied for {dialled.user} on {dialled.name}: {text}",
                "too many keys were offered: set `identity` for this host, or IdentitiesOnly in the SSH configuration",
            )
        case asyncssh.IllegalUserName():
            fault = Fault(FaultKind.CONFIG, f"user name: {text}", "set another user for this host")
        case asyncssh.KeyExchangeFailed() if "host key" in text.lower() and dialled.stored:
            fault = _changed(dialled, "it no longer offers a key of the stored type")
        case asyncssh.KeyExchangeFailed():
            fault = Fault(
                FaultKind.PROTOCOL,
                f"{dialled.name} and this program have no algorithm in common: {text}",
                "see KexAlgorithms, Ciphers and MACs in the SSH configuration of both sides",
            )
        case asyncssh.ProtocolError() | asyncssh.ProtocolNotSupported() | asyncssh.MACError():
            fault = Fault(
                FaultKind.PROTOCOL,
                f"{dialled.address} does not speak SSH as expected: {text}",
                "check that this port is sshd's",
            )
        case _:
            fault = _of_loss(error, text, dialled)
    return fault


def _of_loss(error: asyncssh.DisconnectError, text: str, dialled: Dialled) -> Fault:
    if "keepalive" in text:
        return Fault(FaultKind.TIME_OUT, f"{dialled.address} went silent: keepalives are not answered")
    if "timeout" in text.lower():
        return Fault(FaultKind.TIME_OUT, f"{dialled.address} did not complete the login: {text}")
    where = f" (through {dialled.via})" if dialled.via else ""
    if dialled.stage in {Stage.CONNECTED, Stage.GREETED}:
        return _of_early_loss(dialled, where)
    if isinstance(error, asyncssh.ConnectionLost):
        return Fault(FaultKind.LINK_DROPPED, f"the link to {dialled.name} broke{where}: {text or 'connection lost'}")
    return Fault(FaultKind.LINK_DROPPED, f"{dialled.name} hung up{where}: {text or type(error).__name__}")


def _of_early_loss(dialled: Dialled, where: str) -> Fault:
    """A connection that ended before the login: what sshd does with those beyond MaxStartups, sshd_config(5)."""
    before = "its greeting" if dialled.stage is Stage.CONNECTED else "the key exchange was done"
    return Fault(
        FaultKind.HOST_BUSY,
        f"{dialled.name} hung up before {before}{where}: too many logins at once, or it shuts this machine out",
        "dialled again more slowly; see MaxStartups and PerSourcePenalties in its sshd_config, and hosts.deny",
    )


def _of_host_key(text: str, dialled: Dialled) -> Fault:
    if "revoked" in text.lower():
        return Fault(
            FaultKind.HOST_KEY_CHANGED,
            f"THE HOST KEY of {dialled.name} IS REVOKED in known_hosts: {text}",
            "do not connect; ask whoever revoked it",
        )
    if dialled.stored:
        return _changed(dialled, "it offers " + (" ".join(dialled.offered) if dialled.offered else "another key"))
    if dialled.offered is None:
        return Fault(FaultKind.HOST_KEY_UNKNOWN, f"host key of {dialled.name} not trusted: {text}", _meet(dialled))
    algorithm, fingerprint = dialled.offered
    cause = f"unknown host key {algorithm} {fingerprint}"
    return Fault(FaultKind.HOST_KEY_UNKNOWN, cause, _meet(dialled), _offer(dialled, algorithm, fingerprint))


def _offer(dialled: Dialled, algorithm: str, fingerprint: str) -> OfferedKey | None:
    """What the user may vouch for; None where there is no file of theirs, or only an authority's key."""
    if not dialled.offered_key or not dialled.trust_file:
        return None
    name = listed_name(dialled.alias, dialled.host, dialled.port)
    return OfferedKey(
        name, algorithm, fingerprint, dialled.offered_key, dialled.trust_file, is_hashed=dialled.is_hashed
    )


def _meet(dialled: Dialled) -> str:
    first = dialled.known_hosts[0] if dialled.known_hosts else "~/.ssh/known_hosts"
    scan = f"ssh-keyscan -p {dialled.port} {dialled.host}"
    alias = f" under the name {dialled.alias}" if dialled.alias else ""
    return f"run `{dialled.command}` once and compare the fingerprint, or add the line of `{scan}` to {first}{alias}"


def _changed(dialled: Dialled, offer: str) -> Fault:
    stored = dialled.stored[0]
    return Fault(
        FaultKind.HOST_KEY_CHANGED,
        f"THE HOST KEY of {dialled.name} HAS CHANGED: {offer}; "
        f"known is {stored.algorithm} {stored.fingerprint} ({stored.place})",
        "someone may be in between, or it was reinstalled: compare the fingerprint at its console, "
        f"then correct {stored.place}",
    )


def _of_permission(dialled: Dialled) -> Fault:
    if dialled.unusable and not dialled.key_count:
        return Fault(
            FaultKind.KEY_UNUSABLE,
            f"no usable private key for {dialled.user} on {dialled.name}: {plain('; '.join(dialled.unusable), _LIMIT)}",
            "load the key into the agent: ssh-add",
        )
    if not dialled.is_key_asked:
        return Fault(
            FaultKind.PERMISSION_DENIED,
            f"permission denied for {dialled.user} on {dialled.name}: it accepts no login by key",
            "allow PubkeyAuthentication there, or let passwords be asked for: `asks_password = true` in the inventory",
        )
    agent = ", the agent's included" if dialled.has_agent else ", no agent"
    keys = f"{dialled.key_count} from files{agent}"
    skipped = f"; not usable: {plain('; '.join(dialled.unusable), _LIMIT)}" if dialled.unusable else ""
    return Fault(
        FaultKind.PERMISSION_DENIED,
        f"permission denied for {dialled.user} on {dialled.name}: publickey tried ({keys}){skipped}",
        f"check that `{dialled.command}` works without a password: the user name, the key, authorized_keys there",
    )


def of_crowd(name: str, limit: int) -> Fault:
    """The host runs no more commands over one connection than it does already."""
    return Fault(
        FaultKind.HOST_BUSY,
        f"{name} runs no more than {limit} commands at a time over one connection",
        "tried again when one has ended; see MaxSessions in its sshd_config",
    )


def _of_channel(error: asyncssh.ChannelOpenError, dialled: Dialled) -> Fault:
    text = _clean(error.reason) or "no reason given"
    if dialled.via:
        return _of_forward(error.code, text, dialled)
    if text == "SSH connection closed":
        return Fault(FaultKind.LINK_DROPPED, f"the link to {dialled.name} broke")
    if error.code == asyncssh.OPEN_RESOURCE_SHORTAGE:
        return Fault(FaultKind.HOST_BUSY, f"{dialled.name} is out of resources: {text}", "dialled again more slowly")
    return Fault(
        FaultKind.PERMISSION_DENIED,
        f"{dialled.name} refused to run a command: {text}",
        "see MaxSessions and ForceCommand in its sshd_config",
    )


def _of_forward(code: int, text: str, dialled: Dialled) -> Fault:
    """The jump host could not reach the host; OpenSSH words it by strerror(3), the address is ours."""
    if code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
        return Fault(
            FaultKind.PERMISSION_DENIED,
            f"{dialled.via} does not forward to {dialled.host}:{dialled.port}: {text}",
            f"see AllowTcpForwarding and PermitOpen in the sshd_config of {dialled.via}",
        )
    if code == asyncssh.OPEN_RESOURCE_SHORTAGE:
        cause = f"{dialled.via} takes no more connections through it: {text}"
        return Fault(FaultKind.HOST_BUSY, cause, "dialled again more slowly")
    if text == "SSH connection closed":
        return Fault(FaultKind.LINK_DROPPED, f"the jump host {dialled.via} hung up")
    kind = kind_of_refusal(text)
    mend = f"the name is looked up on {dialled.via}" if kind is FaultKind.NAME_UNKNOWN else _FORWARD_MENDS.get(kind, "")
    return Fault(kind, f"{dialled.via} could not reach {dialled.host}:{dialled.port}: {text}", mend)


_FORWARD_MENDS: Final = {
    FaultKind.CONNECTION_REFUSED: "check that sshd runs on that port",
    FaultKind.TIME_OUT: "check that the host is up",
}


def kind_of_refusal(text: str) -> FaultKind:
    """What a jump host, or a command in its place, means by the text of strerror(3) or getaddrinfo(3)."""
    low = text.lower()
    if "refused" in low:
        return FaultKind.CONNECTION_REFUSED
    if "unknown" in low or "not known" in low or "resol" in low:
        return FaultKind.NAME_UNKNOWN
    return FaultKind.TIME_OUT if "timed out" in low else FaultKind.NO_ROUTE


def _of_os(error: OSError, dialled: Dialled) -> Fault:
    said = _clean(error.strerror or error)
    code = error.errno
    if code is None and (found := re.search(r"\[Errno (\d+)\]", str(error))):
        # asyncio joins the errors of several addresses into one message without a number of its own.
        code = int(found[1])
    if isinstance(error, socket.gaierror):
        kind, cause = FaultKind.NAME_UNKNOWN, f"the name {dialled.host} cannot be resolved: {said}"
        mend = "check the spelling, DNS, and HostName in the SSH configuration"
    elif code in {errno.EMFILE, errno.ENFILE}:
        kind, cause = FaultKind.NO_ROUTE, "too many open files on this machine"
        mend = "raise the limit before starting: ulimit -n 8192"
    elif code == errno.ECONNREFUSED:
        kind, cause = FaultKind.CONNECTION_REFUSED, f"{dialled.host} refuses connections on port {dialled.port}"
        mend = "check that sshd runs there, and the port"
    elif code == errno.ETIMEDOUT:
        kind, cause = FaultKind.TIME_OUT, f"no answer from {dialled.address}"
        mend = "check that the host is up"
    elif code in _DROPPED and dialled.stage in {Stage.CONNECTED, Stage.GREETED}:
        return _of_early_loss(dialled, "")
    elif code in _DROPPED:
        kind, cause, mend = FaultKind.LINK_DROPPED, f"{dialled.name} dropped the connection: {said}", ""
    elif error.filename is not None:
        kind, cause = FaultKind.CONFIG, f"{plain(str(error.filename), _LIMIT)}: {said}"
        mend = "correct the path or its rights"
    else:
        kind, cause = FaultKind.NO_ROUTE, f"no route to {dialled.host}: {said}"
        mend = "check the network, VPN included"
    return Fault(kind, cause, mend)


def _clean(what: object) -> str:
    return plain(str(what), _LIMIT)
