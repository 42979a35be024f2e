"""OpenSSH's own reading of a configuration, asked for where asyncssh's would differ.

asyncssh expands no tokens in `Match exec`, forgets what a `Host` block said when a name is made canonical, and does not
know some conditions and tokens. `ssh -G` prints what OpenSSH makes of it all, and connects to nobody. It is asked only
for configurations with such things in them: it takes some milliseconds for each host, asyncssh a tenth of one.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final

from leptontui.model.target import HostTarget

_LIMIT_S: Final = 15.0
"""Time for `Match exec` and for looking up canonical names."""
_NEEDED: Final = re.compile(
    r"^\s*\"?(match\b(?!\"?[\s=]+all\s*$)|canonicalizehostname\"?[\s=]+\"?(yes|always|true))|^[^#]*%(?-i:[jkKHIfTt])",
    re.IGNORECASE | re.MULTILINE,
)
_KEPT: Final = {
    *("addressfamily", "bindaddress", "casignaturealgorithms", "certificatefile", "ciphers", "compression"),
    *("connecttimeout", "globalknownhostsfile", "gssapiauthentication", "gssapidelegatecredentials"),
    *("gssapikeyexchange", "hashknownhosts", "hostbasedauthentication", "hostkeyalgorithms", "hostkeyalias"),
    *("hostname", "identitiesonly", "identityagent", "identityfile", "kbdinteractiveauthentication", "kexalgorithms"),
    *("macs", "passwordauthentication", "pkcs11provider", "port", "preferredauthentications", "proxycommand"),
    *(
        "proxyjump",
        "pubkeyauthentication",
        "revokedhostkeys",
        "sendenv",
        "setenv",
        "tcpkeepalive",
        "user",
        "userknownhostsfile",
    ),
}
"""What asyncssh, or this program, goes by."""
_QUOTED: Final = frozenset({"certificatefile", "identityagent", "identityfile", "pkcs11provider", "hostname", "user"})
_YES: Final = frozenset({"unbound", "host-bound"})
"""Further kinds of PubkeyAuthentication; ssh_config(5)."""


def needs_openssh(text: str) -> bool:
    """Whether a configuration has something in it that asyncssh reads otherwise than OpenSSH."""
    return _NEEDED.search(text) is not None


class OpenSsh:
    """Asks the `ssh` that is installed here. Safe to be used from several threads.

    Args:
        program: its name or path.
    """

    def __init__(self, program: str = "ssh") -> None:
        self._program = shutil.which(program)
        self._turn = threading.Lock()
        self._asked: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    def close(self) -> None:
        """End what is being asked, with the commands of `Match exec`; nothing is asked afterwards."""
        with self._turn:
            self._is_closed = True
            for process in self._asked:
                _end(process)

    def reading(self, target: HostTarget) -> str:
        """Its reading of the configuration for `target`, as the text of a configuration for any host.

        Runs what `Match exec` says.

        Raises:
            ValueError: it finds fault with the configuration, or does not come to an end.
        """
        argv = ["-G", *_files_of(target)]
        argv += ["-l", target.user] if target.user is not None else []
        argv += ["-p", str(target.port)] if target.port is not None else []
        argv += ["-J", target.jump] if target.jump else []
        found = _values(self._said([*argv, "--", target.name]))
        if found.get("hostname") == [target.name.lower()]:
            del found["hostname"]
        [key_name] = found.get("hostkeyalias") or found.get("hostname") or [target.name]
        return "\n".join(
            _line(key, _expanded(value, key_name))
            for key, values in found.items()
            if key in _KEPT and values != self._defaults.get(key)
            for value in values
        )

    @cached_property
    def _defaults(self) -> dict[str, list[str]]:
        """What comes of no configuration at all."""
        return _values(self._said(["-G", "-F", os.devnull, "--", "no-such-host.invalid"]))

    def _said(self, argv: list[str]) -> str:
        if self._program is None:
            raise ValueError("it has a Match, or something else that only OpenSSH's ssh can judge: install it")
        with self._started([self._program, *argv]) as process:
            try:
                out, err = process.communicate(timeout=_LIMIT_S)
            except subprocess.TimeoutExpired:
                _end(process)
                raise ValueError(f"`ssh -G` does not answer within {_LIMIT_S:g} s: see `Match exec`") from None
            finally:
                with self._turn:
                    self._asked.discard(process)
        if process.returncode != 0:
            said = [line for line in err.decode("utf-8", "replace").splitlines() if line and "terminating" not in line]
            raise ValueError("; ".join(said) or f"`ssh -G` ended with status {process.returncode}")
        return out.decode("utf-8", "surrogateescape")

    def _started(self, argv: list[str]) -> subprocess.Popen[bytes]:
        with self._turn:
            if self._is_closed:
                raise ValueError("the program is ending")
            process = subprocess.Popen(  # noqa: S603 — an argument vector; the name comes after `--`
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            self._asked.add(process)
            return process


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:  # not waited for yet, so the number of its group is still its own
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _files_of(target: HostTarget) -> list[str]:
    """OpenSSH looks for its own files in the home that the password database says, whatever HOME says."""
    if target.ssh_config is not None:
        return ["-F", str(Path(target.ssh_config).expanduser())]
    own = Path("~/.ssh/config").expanduser()
    is_usual = str(own.parent.parent) == os.path.expanduser(f"~{_user()}")  # noqa: PTH111 — of a user, not of HOME
    return [] if is_usual else ["-F", str(own) if own.exists() else os.devnull]


def _user() -> str:
    import pwd  # noqa: PLC0415 — not everywhere, and seldom needed

    return pwd.getpwuid(os.getuid()).pw_name


def _values(text: str) -> dict[str, list[str]]:
    """The values of each keyword, in lower case."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key.lower(), []).append(value)
    return found


def _expanded(value: str, key_name: str) -> str:
    """Expand the one token asyncssh does not know in names of files; `%%` stays for it to expand."""
    return re.sub(r"%([%k])", lambda match: key_name if match[1] == "k" else match[0], value)


def _line(key: str, value: str) -> str:
    if key == "pubkeyauthentication" and value in _YES:
        value = "yes"
    return f'{key} "{value}"' if key in _QUOTED and '"' not in value else f"{key} {value}"
