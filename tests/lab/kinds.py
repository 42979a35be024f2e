"""Hosts of the kinds that are met in the field, each made really different on the lab's own machines.

Every kind changes a real host (systemd, OpenSSH) before it is watched: its Python, its shell, its user, its sshd.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

SMI = Path(__file__).parent.parent / "nvidia_smi" / "nvidia-smi"
"""The stand-in for nvidia-smi; see the top of it."""
NOISE = """\
echo "*** Authorised use only ***"
printf '\\033[31mmaintenance on Friday\\033[0m\\n'
printf '{"maintenance": true}\\n\\377\\376 binary \\001\\n'
"""


@dataclass(frozen=True)
class Kind:
    """One kind of host.

    Attributes:
        name: what the fleet calls it.
        make: furnishes the root of a host that is up; may run commands on it.
        options: lines of its entry in the client's configuration.
        runtime: what the probe must say it runs in.
        gpus: how many GPUs it must show.
    """

    name: str
    make: Callable[[KindHost], None]
    options: tuple[str, ...] = ()
    runtime: str = "python"
    gpus: int = 8


@dataclass(frozen=True)
class KindHost:
    """A lab host to be furnished.

    Attributes:
        name: in the lab, "h4".
        address: its address.
        root: its filesystem.
        run: runs a shell command on it as root.
        keys: a directory for keys made on the way.
    """

    name: str
    address: str
    root: Path
    run: Callable[[str], str]
    keys: Path
    made: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the host."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def configure_sshd(self, text: str) -> None:
        """Add to sshd's configuration and have it read again."""
        self.write("/etc/ssh/sshd_config.d/kind.conf", text)
        self.run("systemctl reload ssh")


def copy_with_libraries(binary: str, host: KindHost, target: str) -> None:
    """Copy a program of this machine to the host, with the shared libraries it needs."""
    destination = host.root / target.lstrip("/")
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(binary).resolve(), destination)
    copy_libraries(binary, host)


def copy_libraries(binary: str, host: KindHost) -> None:
    """Copy the shared libraries that a program of this machine needs, where the host lacks them."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    for line in listed.splitlines():
        library = next((word for word in line.split() if word.startswith("/")), None)
        if library is not None and not (host.root / library.lstrip("/")).exists():
            (host.root / library.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(library).resolve(), host.root / library.lstrip("/"))


def without_python(host: KindHost) -> None:
    """No Python at all; GPUs through nvidia-smi."""
    host.run("rm -rf /usr/bin/python3* /usr/lib/python3* /usr/local/bin/python*")
    install_smi(host)


def install_smi(host: KindHost, root: str = "/") -> None:
    """Put the stand-in for nvidia-smi, and the driver's readings, where it is looked for."""
    target = host.root / root.lstrip("/") / "usr/bin/nvidia-smi"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SMI, target)
    target.chmod(0o755)
    if root != "/":
        shutil.copy(host.root / "etc/fake_nvml", host.root / root.lstrip("/") / "etc/fake_nvml")


def with_busybox_only(host: KindHost) -> None:
    """A user whose whole world is BusyBox, in a root of its own behind the real sshd."""
    busybox = shutil.which("busybox")
    assert busybox is not None
    world = "/srv/busybox"
    copy_with_libraries(busybox, replace(host, root=host.root / "srv/busybox"), "/bin/busybox")
    host.run(
        f"chmod 755 {world} /srv && mkdir -p {world}/proc {world}/sys {world}/dev {world}/tmp {world}/etc {world}/root"
        f" && for applet in $(chroot {world} /bin/busybox --list); do"
        f" [ -e {world}/bin/$applet ] || ln -s busybox {world}/bin/$applet; done"
        f" && mount --bind /proc {world}/proc && mount --bind /sys {world}/sys && mount --bind /dev {world}/dev"
        " && useradd -o -u 0 -g 0 -M -d /root -s /bin/sh box"
        f" && echo 'box:x:0:0::/root:/bin/sh' >{world}/etc/passwd"
    )
    install_smi(host, world)
    host.configure_sshd(f"Match User box\n  ChrootDirectory {world}\n")


def with_python_36(host: KindHost) -> None:
    """Python 3.6 and no other."""
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    python = next(iter(sorted(versions.glob("3.6.*"))))
    host.run("rm -rf /usr/bin/python3* /usr/lib/python3*")
    target = host.root / "opt" / "python36"
    shutil.copytree(
        python, target, symlinks=True, ignore=shutil.ignore_patterns("test", "tests", "site-packages", "__pycache__")
    )
    for extension in target.glob("lib/python3.6/lib-dynload/*.so"):
        copy_libraries(str(extension), host)
    copy_libraries(str(python / "bin/python3.6"), host)
    host.run("ldconfig && ln -s /opt/python36/bin/python3.6 /usr/bin/python3 && python3 -c 'import json, ctypes, zlib'")


def with_minimal_python(host: KindHost) -> None:
    """A Python that is not all there, as Debian's python3-minimal is."""
    host.run(
        "rm -rf /usr/lib/python3*/json /usr/lib/python3*/ctypes /usr/lib/python3*/lib-dynload/_ctypes*"
        " /usr/lib/python3*/lib-dynload/_json* && ! python3 -c 'import json' 2>/dev/null"
    )
    install_smi(host)


def with_noisy_shell(host: KindHost) -> None:
    """Banner, message of the day, and a .bashrc that prints colours, JSON and binary."""
    host.write("/etc/banner", "NOTICE\n" * 20)
    host.write("/etc/motd", "Welcome!\n" * 20)
    host.write("/root/.bashrc", NOISE)
    host.write("/root/.profile", NOISE)
    host.configure_sshd("Banner /etc/banner\nPrintMotd yes\n")


def with_csh(host: KindHost) -> None:
    """A C shell as login shell, with a .cshrc that prints."""
    shell = shutil.which("tcsh") or shutil.which("bsd-csh")
    assert shell is not None
    copy_with_libraries(shell, host, "/bin/csh")
    host.write("/root/.cshrc", 'echo "csh of the old days"\nset prompt = "% "\n')
    host.run("ldconfig && echo /bin/csh >>/etc/shells && usermod -s /bin/csh root")


def with_plain_user(host: KindHost) -> None:
    """A user without privileges who sees only their own processes and no kernel log."""
    host.run(
        "useradd -m -s /bin/bash oncall && mkdir -p /home/oncall/.ssh"
        " && cp /root/.ssh/authorized_keys /home/oncall/.ssh/"
        " && chown -R oncall: /home/oncall/.ssh && chmod 700 /home/oncall/.ssh"
        " && (mount -o remount,hidepid=2 /proc || mount -t proc -o hidepid=2 proc /proc)"
        " && rm -f /dev/kmsg && mkfifo -m 600 /dev/kmsg"
    )


def with_authority(host: KindHost) -> None:
    """Host key and user key are vouched for by certificate authorities, and by nothing else."""
    keys = host.keys
    for name in ("host_ca", "user_ca", "user"):
        if not (keys / name).exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    host_key = host.root / "etc/ssh/ssh_host_ed25519_key.pub"
    sign = ["ssh-keygen", "-q", "-s"]
    subprocess.run(
        [*sign, str(keys / "host_ca"), "-I", host.name, "-h", "-n", host.address, "-V", "-1d:+1d", str(host_key)],
        check=True,
    )
    subprocess.run(
        [*sign, str(keys / "user_ca"), "-I", "oncall", "-n", "root", "-V", "-1d:+1d", str(keys / "user.pub")],
        check=True,
    )
    host.write("/etc/ssh/user_ca.pub", (keys / "user_ca.pub").read_text())
    authority = (keys / "host_ca.pub").read_text().strip()
    (keys / "known_hosts").write_text(f"@cert-authority 10.77.0.* {authority}\n")
    host.configure_sshd(
        "TrustedUserCAKeys /etc/ssh/user_ca.pub\nHostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub\n"
        "HostKey /etc/ssh/ssh_host_ed25519_key\nAuthorizedKeysFile none\n"
    )


def with_few_startups(host: KindHost) -> None:
    """A bastion that takes three logins at a time and four channels on a connection."""
    host.configure_sshd("MaxStartups 3\nMaxSessions 4\n")


def as_it_is(_: KindHost) -> None:
    """Nothing special: what is special is the way there."""


BUSY = "busy-bastion"
KINDS: tuple[Kind, ...] = (
    Kind("no-python", without_python, (f"ProxyJump {BUSY}",), runtime="sh"),
    Kind("busybox", with_busybox_only, ("User box",), runtime="sh"),
    Kind("python36", with_python_36, (f"ProxyJump {BUSY}",)),
    Kind("minimal-python", with_minimal_python, (f"ProxyJump {BUSY}",), runtime="sh"),
    Kind("noisy", with_noisy_shell, (f"ProxyJump {BUSY}",)),
    Kind("csh", with_csh, (f"ProxyJump {BUSY}",)),
    Kind("plain-user", with_plain_user, ("User oncall",)),
    Kind("behind-two", as_it_is, ("ProxyJump h1,h2",)),
    Kind(
        "authority",
        with_authority,
        ("IdentityFile {keys}/user", "CertificateFile {keys}/user-cert.pub", "UserKnownHostsFile {keys}/known_hosts"),
    ),
    Kind(BUSY, with_few_startups),
)
"""In the order of the lab's hosts, from h4 on."""
