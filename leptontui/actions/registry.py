"""Which module prepares which action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leptontui.actions.compose import prepare_compose_restart, prepare_compose_scale
from leptontui.actions.containers import prepare_container_restart
from leptontui.actions.evidence_action import prepare_evidence
from leptontui.actions.failover import prepare_fail_over
from leptontui.actions.gpu_kill import prepare_gpu_kill
from leptontui.actions.gpu_reset import prepare_gpu_reset
from leptontui.actions.gpu_settings import prepare_gpu_lock_clocks, prepare_gpu_persistence, prepare_gpu_unlock_clocks
from leptontui.actions.helm import prepare_helm_roll_back
from leptontui.actions.kube_drain import prepare_kube_cordon
from leptontui.actions.kube_restart import prepare_kube_restart
from leptontui.actions.kube_rollback import prepare_kube_roll_back
from leptontui.actions.kube_scale import prepare_kube_scale
from leptontui.actions.names import SYSTEMD, unit_reference
from leptontui.actions.reach import Prepared
from leptontui.actions.reboot import prepare_reboot
from leptontui.actions.restart import prepare_unit_restart
from leptontui.actions.schedulers import prepare_drain, prepare_undrain
from leptontui.actions.setting import Prepare, Setting
from leptontui.errors import ActionError
from leptontui.model.action import ActionName

RESTART: Final[dict[str, Prepare]] = {
    SYSTEMD: prepare_unit_restart,
    "user": prepare_unit_restart,
    "docker": prepare_container_restart,
    "podman": prepare_container_restart,
    "compose": prepare_compose_restart,
    "kube": prepare_kube_restart,
}
"""By the kind of what is restarted (`names.UnitReference.kind`)."""

SCALE: Final[dict[str, Prepare]] = {"compose": prepare_compose_scale, "kube": prepare_kube_scale}
"""Likewise what is scaled."""

ROLL_BACK: Final[dict[str, Prepare]] = {"kube": prepare_kube_roll_back, "helm": prepare_helm_roll_back}
"""Likewise what is rolled back."""


def by_kind(prepares: Mapping[str, Prepare]) -> Prepare:
    """Prepare each unit as its kind is prepared."""

    async def prepare(setting: Setting) -> Prepared:
        reference = unit_reference(setting.request.unit)
        chosen = prepares.get(reference.kind)
        if chosen is None:
            cause = f"{reference.text} is nothing to {setting.spec.verb.lower()}"
            raise ActionError(cause, f"it is for {', '.join(f'{kind}:' for kind in prepares if kind != SYSTEMD)} …")
        return await chosen(setting)

    return prepare


PREPARE: Final[dict[str, Prepare]] = {
    ActionName.RESTART_UNIT: by_kind(RESTART),
    ActionName.ROLL_BACK: by_kind(ROLL_BACK),
    ActionName.SCALE: by_kind(SCALE),
    ActionName.DRAIN: prepare_drain,
    ActionName.UNDRAIN: prepare_undrain,
    ActionName.CORDON: prepare_kube_cordon,
    ActionName.REBOOT: prepare_reboot,
    ActionName.FAIL_OVER: prepare_fail_over,
    ActionName.GPU_RESET: prepare_gpu_reset,
    ActionName.GPU_KILL: prepare_gpu_kill,
    ActionName.GPU_PERSISTENCE: prepare_gpu_persistence,
    ActionName.GPU_LOCK_CLOCKS: prepare_gpu_lock_clocks,
    ActionName.GPU_UNLOCK_CLOCKS: prepare_gpu_unlock_clocks,
    ActionName.EVIDENCE: prepare_evidence,
}
"""By the action's name; those of the user are prepared by `custom`."""
