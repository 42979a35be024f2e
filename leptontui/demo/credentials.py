"""Keys and files by which the simulated fleet is reached: written once, removed at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncssh

from leptontui.demo.answer import OPERATOR
from leptontui.demo.containers import container_names
from leptontui.demo.layout import CONTROLLER, Layout, SimulatedHost, folded
from leptontui.demo.units import operable_units, user_units
from leptontui.errors import ConfigError

INVENTORY: Final = "demo.toml"
_PREFIX: Final = "leptontui-demo-"
_KEY_TYPE: Final = "ssh-ed25519"


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of the simulated fleet.

    Attributes:
        client: what logs in.
        hosts: host keys by host name, the controller's included.
    """

    client: asyncssh.SSHKey
    hosts: Mapping[str, asyncssh.SSHKey]


def make_keys(layout: Layout) -> Keys:
    """Make an ed25519 key for the client and each host, about 0.05 ms each."""
    names = (*(host.name for host in layout.hosts), CONTROLLER)
    return Keys(
        asyncssh.generate_private_key(_KEY_TYPE, comment="leptontui demo"),
        {name: asyncssh.generate_private_key(_KEY_TYPE) for name in names},
    )


@contextmanager
def private_directory(wanted: Path | None) -> Iterator[Path]:
    """A directory that only this user can look into, removed at the end with all that is in it.

    Args:
        wanted: where; must not exist yet or be empty. None: a new one in $XDG_RUNTIME_DIR or the temporary directory.

    Raises:
        ConfigError: `wanted` cannot be used.
    """
    if wanted is None:
        base = os.environ.get("XDG_RUNTIME_DIR") or None
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base if base and os.access(base, os.W_OK) else None))
    else:
        path = wanted.absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
            is_empty = not any(path.iterdir())
        except OSError as error:
            raise ConfigError([f"--directory: {wanted}: {error.strerror}"]) from error
        if not is_empty:
            raise ConfigError([f"--directory: {wanted} is not empty"], "name a new directory: it is removed at the end")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def write_files(directory: Path, layout: Layout, keys: Keys, ports: Mapping[str, int]) -> Path:
    """Write the client's key, known_hosts, ssh_config and inventory.

    Args:
        directory: where; see `private_directory`.
        layout: the fleet.
        keys: its keys.
        ports: where each host listens on 127.0.0.1, by name.

    Returns:
        The inventory's path.
    """
    identity = directory / "id_ed25519"
    identity.touch(mode=0o600)
    identity.write_bytes(keys.client.export_private_key())
    known = (f"{name} {key.export_public_key().decode().strip()}\n" for name, key in keys.hosts.items())
    (directory / "known_hosts").write_text("".join(known), encoding="utf-8")
    (directory / "ssh_config").write_text(_ssh_config(directory, ports), encoding="utf-8")
    inventory = directory / INVENTORY
    inventory.write_text(_inventory(layout), encoding="utf-8")
    return inventory


def _ssh_config(directory: Path, ports: Mapping[str, int]) -> str:
    folder = str(directory).replace("%", "%%")
    hosts = (f"Host {name}\n  Port {port}\n  HostKeyAlias {name}\n" for name, port in ports.items())
    return "".join(hosts) + (
        "Host *\n"
        "  HostName 127.0.0.1\n"
        f"  User {OPERATOR}\n"
        f'  IdentityFile "{folder}/id_ed25519"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{folder}/known_hosts"\n'
        "  StrictHostKeyChecking yes\n"
    )


def _offered(host: SimulatedHost) -> Iterator[str]:
    """What the inventory lets people restart on hosts such as `host`."""
    yield from operable_units(host)
    yield from (f"user:{name}" for name in user_units(host))
    yield from (f"docker:{name}" for name in container_names(host))


def _inventory(layout: Layout) -> str:
    """The inventory; every string in it is made by this program and needs no escaping."""
    lines = ['name = "demo"', 'ssh_config = "ssh_config"']
    for group, hosts in layout.groups.items():
        units = ", ".join(f'"{unit}"' for unit in _offered(hosts[0]))
        lines += [
            "",
            "[[group]]",
            f'name = "{group}"',
            f'hosts = ["{folded([host.name for host in hosts])}"]',
            'scheduler = "slurm"',
            f'controller = "{CONTROLLER}"',
            f"units = [{units}]",
        ]
    for rack, hosts in layout.racks.items():
        names = folded([host.name for host in hosts])
        lines += ["", "[[label]]", f'hosts = ["{names}"]', f'rack = "{rack}"', f'switch = "tor-{rack}"']
    return "\n".join(lines) + "\n"
