"""Sources that are files: the user's SSH configuration, Ansible inventories, Prometheus' file_sd."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from leptontui.config.file_sd import parse_file_sd
from leptontui.config.found import Found, FoundHost, NotUnderstood, sorted_out
from leptontui.config.problem import Problem
from leptontui.config.source import SourceSpec
from leptontui.config.ssh_names import ssh_config_hosts
from leptontui.config.text import unreadable
from leptontui.inventory.ansible_files import read_ansible
from leptontui.inventory.answer import Answer, refused
from leptontui.inventory.looking import Look
from leptontui.model.text import plain

_WILD: Final = frozenset("*?[")
_LONGEST_NOTE: Final = 400


def read_source_files(spec: SourceSpec) -> Answer | None:
    """Read the files of a source.

    Returns:
        None if a program has to be asked: an Ansible inventory that is a script or a plugin's configuration.

    Raises:
        NotAnswered: with every problem found.
    """
    look = Look()
    problems: list[Problem] = []
    notes: tuple[str, ...] = ()
    hosts: list[FoundHost] = []
    match spec.kind:
        case "ssh_config":
            hosts = _ssh_config(Path(spec.files[0]), look, problems)
        case "file_sd":
            hosts = _file_sd(spec, look, problems)
        case "ansible":
            read = read_ansible(Path(spec.files[0]), spec.groups, look, problems)
            if read is None:
                return None
            hosts, notes = read
    found = Found()
    try:
        found = sorted_out(hosts)
    except NotUnderstood as error:
        problems.append(Problem(", ".join(spec.files), error.line, "", error.found, error.expected))
    if problems:
        raise refused(problems, look.seen)
    return Answer(Found(found.hosts, tuple(plain(note, _LONGEST_NOTE) for note in (*notes, *found.notes))), look.seen)


def _ssh_config(path: Path, look: Look, problems: list[Problem]) -> list[FoundHost]:

    def text(file: Path) -> str:
        return look.text(file, errors="replace")  # OpenSSH does not mind the encoding of a comment

    try:
        return ssh_config_hosts(path, text, lambda base, pattern: _files(look, base, pattern))
    except (OSError, ValueError) as error:
        name = getattr(error, "filename", None) or path
        problems.append(Problem(str(name), None, "", unreadable(error, "an SSH configuration")))
        return []


def _files(look: Look, base: Path, pattern: str) -> list[Path]:
    return [found for found in look.listed(base, pattern) if found.is_file()]


def _file_sd(spec: SourceSpec, look: Look, problems: list[Problem]) -> list[FoundHost]:
    hosts: list[FoundHost] = []
    for pattern in spec.files:
        path = Path(pattern)
        is_wild = bool(_WILD & set(pattern))
        files = _files(look, Path(path.anchor), str(path.relative_to(path.anchor))) if is_wild else [path]
        if not files:
            problems.append(Problem(pattern, None, "", "no such file", "JSON or YAML files of targets"))
        for file in files:
            hosts.extend(_targets(file, look, problems))
    return hosts


def _targets(file: Path, look: Look, problems: list[Problem]) -> list[FoundHost]:
    try:
        return parse_file_sd(look.text(file), str(file), is_json=file.suffix == ".json")
    except NotUnderstood as error:
        problems.append(Problem(str(file), error.line, "", error.found, error.expected))
    except (OSError, ValueError) as error:
        problems.append(Problem(str(file), None, "", unreadable(error, "a file of targets")))
    return []
