"""Ansible inventories from files: INI, YAML or a saved listing, a directory of these, group_vars and host_vars."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from leptontui.config.ansible import Tree, hosts_of_tree, lines_of_yaml
from leptontui.config.ansible_ini import parse_ansible_ini
from leptontui.config.ansible_yaml import parse_ansible_list, tree_of
from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.problem import Problem
from leptontui.config.text import unreadable
from leptontui.config.yaml_text import parse_yaml
from leptontui.inventory.looking import Look

_YAML: Final = frozenset({".yml", ".yaml"})
_VARS_SUFFIXES: Final = frozenset({"", ".yml", ".yaml", ".json"})
_IGNORED: Final = (".orig", ".cfg", ".retry", ".bak", ".pyc", ".pyo", "~")
"""Ansible's INVENTORY_IGNORE_EXTS: files in an inventory directory that are none."""
_VARS_FOLDERS: Final = ("group_vars", "host_vars")
_VAULT: Final = "$ANSIBLE_VAULT"


class _IsDynamic(Exception):
    """Only `ansible-inventory` can say what hosts there are."""


def read_ansible(
    path: Path, groups: Iterable[str], look: Look, problems: list[Problem]
) -> tuple[list[FoundHost], tuple[str, ...]] | None:
    """The hosts of an inventory, and notes on what was left out; None if a program has to be asked.

    Args:
        path: a file, or a directory of them.
        groups: only hosts in one of these; empty for all.
        look: what files are read through.
        problems: what is wrong; grows.
    """
    is_folder = path.is_dir()
    tree = Tree()
    try:
        for file in _inventories(path, look) if is_folder else [path]:
            _merge(tree, _tree(file, look, problems))
    except _IsDynamic:
        return None
    folder = path if is_folder else path.parent
    notes = _read_variables(tree, folder, look, problems)
    if is_folder:
        tree.lines.clear()  # they are lines of several files
    if problems:
        return [], ()
    try:
        hosts, left_out = hosts_of_tree(tree, file=str(path), folder=folder, groups=groups)
    except NotUnderstood as error:
        problems.append(Problem(str(path), error.line, "", error.found, error.expected))
        return [], ()
    return hosts, (*notes, *left_out)


def _inventories(folder: Path, look: Look) -> list[Path]:
    return [
        found
        for found in look.listed(folder)
        if found.is_file() and not found.name.startswith(".") and not found.name.endswith(_IGNORED)
    ]


def _tree(file: Path, look: Look, problems: list[Problem]) -> Tree:
    """One file's groups.

    Raises:
        _IsDynamic: it is a script, or a plugin's configuration.
    """
    try:
        text = look.text(file)
        if text.startswith("#!") and os.access(file, os.X_OK):
            raise _IsDynamic
        if file.suffix == ".json" or text.lstrip().startswith("{"):
            return parse_ansible_list(text)
        if file.suffix not in _YAML and not text.startswith("---"):
            tree, wrong = parse_ansible_ini(text)
            problems.extend(Problem(str(file), item.line, "", item.found, item.expected) for item in wrong)
            return tree
        document = parse_yaml(text)
        if isinstance(document, dict) and "plugin" in document:
            raise _IsDynamic
        return tree_of(document, dict(lines_of_yaml(text)))
    except NotUnderstood as error:
        problems.append(Problem(str(file), error.line, "", error.found, error.expected))
    except (OSError, ValueError) as error:
        problems.append(Problem(str(file), None, "", unreadable(error, "an Ansible inventory")))
    return Tree()


def _merge(tree: Tree, other: Tree) -> None:
    for name, group in other.groups.items():
        known = tree.group(name)
        known.hosts.extend(group.hosts)
        known.children.extend(group.children)
        known.variables.update(group.variables)
    for host, variables in other.host_variables.items():
        tree.host_variables.setdefault(host, {}).update(variables)
    for host, line in other.lines.items():
        tree.lines.setdefault(host, line)


def _read_variables(tree: Tree, folder: Path, look: Look, problems: list[Problem]) -> list[str]:
    """Take what group_vars/ and host_vars/ say of how hosts are reached; returns notes on what cannot be read."""
    encrypted: list[str] = []
    for kind in _VARS_FOLDERS:
        for name, files in _by_name(folder / kind, look).items():
            if kind == "group_vars" and (name in tree.groups or name == "all"):
                into = tree.group(name).variables
            elif kind == "host_vars" and name in tree.host_variables:
                into = tree.host_variables[name]
            else:
                continue
            for file in files:
                into.update(_variables(file, look, problems, encrypted))
    more = f" and {len(encrypted) - 1} more" if len(encrypted) > 1 else ""
    return [f"{encrypted[0]}{more} left out: encrypted"] if encrypted else []


def _by_name(folder: Path, look: Look) -> dict[str, list[Path]]:
    """The files of a vars folder by what they are about: `train.yml`, `train`, or all in the directory `train/`."""
    found: dict[str, list[Path]] = {}
    for entry in look.listed(folder):
        if entry.name.startswith(".") or entry.name.endswith(_IGNORED):
            continue
        if entry.is_dir():
            inner = [file for file in look.listed(entry) if file.is_file() and file.suffix in _VARS_SUFFIXES]
            found.setdefault(entry.name, []).extend(inner)
        elif entry.suffix in {".yml", ".yaml", ".json"}:
            found.setdefault(entry.stem, []).append(entry)
        else:
            found.setdefault(entry.name, []).append(entry)
    return found


def _variables(file: Path, look: Look, problems: list[Problem], encrypted: list[str]) -> dict[str, object]:
    try:
        text = look.text(file)
        if text.startswith(_VAULT):
            encrypted.append(str(file))
            return {}
        document = parse_yaml(text)
    except NotUnderstood as error:
        problems.append(Problem(str(file), error.line, "", error.found, error.expected))
        return {}
    except (OSError, ValueError) as error:
        problems.append(Problem(str(file), None, "", unreadable(error, "variables in YAML")))
        return {}
    if not isinstance(document, dict | None):
        problems.append(Problem(str(file), None, "", "no variables in it", "name: value"))
        return {}
    return {str(key): value for key, value in (document or {}).items() if str(key).startswith("ansible_")}
