"""What an Xid means, how bad it is and what to do about it.

`xid.csv` beside this module holds NVIDIA's Xid catalogue of October 2025 as facts (code, mnemonic, label, immediate
action, follow-up; "XID Errors", docs.nvidia.com/deploy/xid-errors), with a short name added for the screen. NVIDIA's
immediate action is the verdict, with two corrections whose source the verdict names: codes that DCGM never takes for
less than critical, and codes that NVIDIA's device plugin for Kubernetes takes for the application's fault.
"""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass, replace
from importlib import resources
from typing import Final

from leptontui.model.health import Severity
from leptontui.model.verdict import Override, Remedy

NEVER_LESS_THAN_CRITICAL: Final = frozenset({48, 74, 79, 95, 119, 120, 140})
"""DCGM, health check policy."""

APPLICATION_FAULT: Final = frozenset({13, 31, 43, 45, 68, 109})
"""NVIDIA/k8s-device-plugin ignores them: alone they say that a process did something wrong, not the GPU."""

_LOOK_IT_UP: Final = "see the kernel log"

_ACTIONS: Final[dict[str, tuple[str, Severity]]] = {
    "RESTART_BM": ("reboot the host", Severity.CRITICAL),
    "RESTART_VM": ("restart the virtual machine", Severity.CRITICAL),
    "RESET_GPU": ("reset the GPU", Severity.CRITICAL),
    "CHECK_MECHANICALS": ("check the power cables", Severity.CRITICAL),
    "WORKFLOW_XID_48": ("reset the GPU", Severity.CRITICAL),
    "WORKFLOW_NVLINK_ERR": ("follow NVIDIA's NVLink workflow", Severity.CRITICAL),
    "WORKFLOW_NVLINK5_ERR": ("follow NVIDIA's NVLink 5 workflow", Severity.WARNING),
    "WORKFLOW_XID_45": ("look for another Xid", Severity.WARNING),
    "XID_154": ("look for another Xid", Severity.WARNING),
    "CONTACT_SUPPORT": ("contact support", Severity.WARNING),
    "UPDATE_SWFW": ("update driver and firmware", Severity.WARNING),
    "CHECK_UVM": (_LOOK_IT_UP, Severity.WARNING),
    "RESTART_APP": ("restart the application", Severity.WARNING),
    "IGNORE": ("ignore", Severity.WARNING),
    "": (_LOOK_IT_UP, Severity.WARNING),
}
"""NVIDIA's immediate actions in words. Where no action is catalogued a warning is all that can be said."""

RECOVERY: Final[dict[str, tuple[str, Severity]]] = {
    "reboot": (_ACTIONS["RESTART_BM"][0], Severity.CRITICAL),
    "drain and reset": ("drain, then reset the GPU", Severity.CRITICAL),
    "reset": (_ACTIONS["RESET_GPU"][0], Severity.CRITICAL),
    "drain P2P": ("drain peer-to-peer traffic", Severity.WARNING),
}
"""What the driver asks for itself (nvmlDeviceGpuRecoveryAction_t, as the probe calls it), in words, most drastic first;
its severity is DCGM's."""

ASKS: Final = "driver asks to "
"""Before those words."""

RECOVERY_REMEDY: Final[dict[str, Remedy]] = {
    "reboot": Remedy.REBOOT,
    "drain and reset": Remedy.RESET,
    "reset": Remedy.RESET,
    "drain P2P": Remedy.RESTART_APPLICATION,
}
"""What the driver asks for itself, as remedy: peer-to-peer traffic ends with the application that makes it."""

_INSPECT: Final = "hardware inspection"
_URGENCY: Final = {
    words: rank
    for rank, words in enumerate(
        dict.fromkeys(
            [
                _INSPECT,
                *(_ACTIONS[name][0] for name in ("RESTART_BM", "RESTART_VM")),
                *(words for words, _ in RECOVERY.values()),
                *(words for words, _ in _ACTIONS.values()),
            ]
        )
    )
}
"""Actions by how drastic they are, the most drastic first."""

_REMEDIES: Final[dict[str, Remedy]] = {
    _INSPECT: Remedy.INSPECT,
    **{words: RECOVERY_REMEDY[said] for said, (words, _) in RECOVERY.items()},
    _ACTIONS["RESTART_VM"][0]: Remedy.REBOOT,
    _ACTIONS["CHECK_MECHANICALS"][0]: Remedy.INSPECT,
    _ACTIONS["WORKFLOW_NVLINK_ERR"][0]: Remedy.RESET,
    _ACTIONS["CONTACT_SUPPORT"][0]: Remedy.SUPPORT,
    _ACTIONS["UPDATE_SWFW"][0]: Remedy.SUPPORT,
    _ACTIONS["RESTART_APP"][0]: Remedy.RESTART_APPLICATION,
}
"""What an action comes to. NVIDIA's NVLink workflow begins with a reset; what is not named here is to be watched."""


@dataclass(frozen=True, slots=True)
class XidVerdict:
    """What one Xid asks for.

    Attributes:
        code: the Xid's number.
        label: NVIDIA's name of it, "" if it has none.
        short: a name short enough for a table's cell; "" if there is none.
        action: the immediate action in words.
        severity: `WELL` where NVIDIA says to ignore it now and later, else `WARNING` or `CRITICAL`.
        source: who says so.
        remedy: what the action comes to.
    """

    code: int
    label: str
    short: str
    action: str
    severity: Severity
    source: str
    remedy: Remedy = Remedy.WATCH

    @property
    def is_reboot(self) -> bool:
        """Whether it asks for a reboot of the host."""
        return self.action == _ACTIONS["RESTART_BM"][0]

    @property
    def urgency(self) -> tuple[int, int]:
        """Orders verdicts, the most urgent first: by severity, then by how drastic the action is."""
        return (-self.severity, _URGENCY.get(self.action, len(_URGENCY)))

    def words(self, count: int = 1) -> str:
        """The verdict in one line, what it is first: "Xid 79 off the bus ×2: reboot the host (NVIDIA)"."""
        return f"{self.head(count)}: {self.action} ({self.source})"

    def head(self, count: int = 1) -> str:
        """What it is: "Xid 79 off the bus ×2"."""
        name = self.short or self.label
        head = f"Xid {self.code} {name}" if name else f"Xid {self.code}"
        return f"{head} ×{count}" if count > 1 else head


@functools.lru_cache(maxsize=1024)  # bounded: a host may invent any code
def xid_verdict(code: int) -> XidVerdict:
    """The verdict on one Xid; a code that is not catalogued is a warning."""
    row = _catalogue().get(code)
    if row is None:
        return XidVerdict(code, "", "", _LOOK_IT_UP, Severity.WARNING, "not catalogued", Remedy.WATCH)
    action, severity = _ACTIONS.get(row["immediate"], (_LOOK_IT_UP, Severity.WARNING))
    source = "NVIDIA" if row["immediate"] else "no action catalogued"
    if row["immediate"] == row["follow_up"] == "IGNORE":
        severity = Severity.WELL
    if code in NEVER_LESS_THAN_CRITICAL and severity is not Severity.CRITICAL:
        severity, source = Severity.CRITICAL, "DCGM"
    elif code in APPLICATION_FAULT:
        # NVIDIA says to reset the GPU after a 109; that would need a drain, for what is most often a bad kernel.
        is_drastic = severity is Severity.CRITICAL
        severity = Severity.WARNING
        if is_drastic:
            action, source = "restart the application", "k8s-device-plugin"
    remedy = Remedy.NONE if severity is Severity.WELL else _REMEDIES.get(action, Remedy.WATCH)
    if code in APPLICATION_FAULT:
        remedy = Remedy.RESTART_APPLICATION
    return XidVerdict(code, row["label"], row["short"], action, severity, source, remedy)


def judged(
    code: int,
    *,
    recovery_action: str | None = None,
    is_inspection: bool = False,
    override: Override | None = None,
) -> XidVerdict:
    """The verdict on one Xid given what else is known.

    Args:
        code: the Xid's number.
        recovery_action: what the driver itself asks for, as the probe calls it: the more severe of the two is taken
            (NVSentinel#1494: a 154 that said reset followed a 79 that needed a reboot).
        is_inspection: it asks for a reboot again after two within three days (gpud).
        override: what the user says of this code: it replaces the catalogue and gpud, not what the driver asks for.
    """
    verdict = xid_verdict(code)
    if override is not None:
        verdict = _overruled(verdict, override)
    elif is_inspection:
        source = "gpud: reboots did not help"
        return replace(verdict, action=_INSPECT, severity=Severity.CRITICAL, source=source, remedy=Remedy.INSPECT)
    asked = RECOVERY.get(recovery_action or "")
    if asked is not None:
        remedy = RECOVERY_REMEDY[recovery_action or ""]
        of_driver = replace(verdict, action=asked[0], severity=asked[1], source="driver", remedy=remedy)
        return min(verdict, of_driver, key=lambda found: found.urgency)
    return verdict


def _overruled(verdict: XidVerdict, override: Override) -> XidVerdict:
    action = "ignore" if override.remedy is Remedy.NONE else override.remedy.words
    return replace(verdict, action=action, severity=override.severity, source=override.voice, remedy=override.remedy)


@functools.cache
def _catalogue() -> dict[int, dict[str, str]]:
    text = resources.files("leptontui.health").joinpath("xid.csv").read_text(encoding="utf-8")
    return {int(row["code"]): row for row in csv.DictReader(text.splitlines())}
