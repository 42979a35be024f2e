"""What an inventory's `units` may list: systemd units, containers, workloads and releases, each by its own form."""

from __future__ import annotations

import re
from typing import Final

from leptontui.config.problem import did_you_mean
from leptontui.model.target import UNIT_PREFIXES

SYSTEMD_UNIT: Final = re.compile(
    r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}\.(service|socket|target|timer|mount|path|slice|scope)"
)
"""systemd.unit(5), "Description": the characters and suffixes of a unit's name; none
starting with a dash, which a command would take for an option."""

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""A label of RFC 1123, as Kubernetes wants namespaces to be: at most 63 characters."""

SUBDOMAIN: Final = (
    r"(?=[a-z0-9.-]{1,253}(?![a-z0-9.-]))[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
)
"""A subdomain of RFC 1123, as Kubernetes wants most names to be: at most 253 characters."""

WORKLOAD: Final = re.compile(
    rf"kube:(?P<namespace>{_LABEL})/(?P<kind>deployment|statefulset|daemonset)/(?P<name>{SUBDOMAIN})"
)
RELEASE: Final = re.compile(rf"helm:(?P<namespace>{_LABEL})/(?P<name>(?=[a-z0-9.-]{{1,53}}(?![a-z0-9.-])){SUBDOMAIN})")
"""Helm's names are subdomains of at most 53 characters (helm.sh/docs/chart_template_guide)."""

_CONTAINER: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"

_FORMS: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "user": (re.compile(rf"user:{SYSTEMD_UNIT.pattern}"), '"user:vllm.service", a unit of the login\'s own systemd'),
    "docker": (re.compile(rf"docker:{_CONTAINER}"), '"docker:vllm", a container\'s name'),
    "podman": (re.compile(rf"podman:{_CONTAINER}"), '"podman:vllm", a container\'s name'),
    "compose": (
        re.compile(rf"compose:/(?:[A-Za-z0-9_.@+-]+/){{1,64}}{_CONTAINER}"),
        '"compose:/srv/vllm/SERVICE", the folder of compose.yaml and a service in it',
    ),
    "kube": (WORKLOAD, '"kube:NAMESPACE/KIND/NAME", where KIND is deployment, statefulset or daemonset'),
    "helm": (RELEASE, '"helm:NAMESPACE/RELEASE"'),
}


def unit_complaint(text: str) -> tuple[str, str]:
    """What is wrong with an entry of `units`.

    Returns:
        What was expected, and a suggestion, each "" for nothing; ("", "") if it is right.
    """
    prefix, colon, _ = text.partition(":")
    if colon and prefix in _FORMS:
        return _complaint_of_form(text, *_FORMS[prefix])
    if SYSTEMD_UNIT.fullmatch(text) is not None:
        return "", ""
    if colon:
        expected = f"a systemd unit's name, or one after {', '.join(f'{prefix}:' for prefix in UNIT_PREFIXES)}"
        return expected, did_you_mean(prefix.lower(), UNIT_PREFIXES)
    hint = f'did you mean "{text}.service"?' if SYSTEMD_UNIT.fullmatch(f"{text}.service") is not None else ""
    return "a systemd unit's name", hint


def _complaint_of_form(text: str, pattern: re.Pattern[str], expected: str) -> tuple[str, str]:
    if pattern.fullmatch(text) is None:
        return expected, f'did you mean "{text.lower()}"?' if pattern.fullmatch(text.lower()) else ""
    return (expected, "a folder without .. in it") if ".." in text.split("/") else ("", "")
