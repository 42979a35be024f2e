"""The action that collects evidence of a host and does nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.actions.evidence import capture
from leptontui.actions.evidence_archive import default_folder
from leptontui.actions.evidence_parts import parts_of
from leptontui.actions.guard import Objection
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.setting import Setting
from leptontui.model.action import Plan
from leptontui.model.text import plain


@dataclass(frozen=True, slots=True)
class EvidenceDeed(Deed):
    """Collects.

    Attributes:
        setting: of the action.
    """

    setting: Setting

    async def check_again(self) -> Objection | None:
        """Nothing is changed: nothing has to be so."""
        return None

    async def verify(self) -> Verdict:
        """Ask for everything, write the archive and read it back.

        Raises:
            EvidenceError: it cannot be written here.
        """
        evidence = await capture(self.setting)
        return Verdict(is_so=not evidence.is_empty, said=f"{evidence.words}; sha256 {evidence.sha256}")


async def prepare_evidence(setting: Setting) -> Prepared:
    """Plan the collection of evidence.

    Raises:
        LinkError: the host cannot be reached.
    """
    target = setting.target
    reach = await setting.host()
    asked = [f"asks on {reach.name}: {' '.join(part.tries[0])}" for part in parts_of(target)]
    if target.scheduler is not None:
        asked.append(f"asks {plain(target.scheduler, 40)} for the node and what runs there")
    plan = Plan(
        setting.plan_id,
        setting.request,
        setting.spec.title.format(host=target.name),
        setting.spec.danger,
        (),
        "the archive is read back, and something of the host is in it",
        running_there=tuple(plain(line, 300) for line in asked),
        after_this=(
            f"one archive in {setting.evidence_in or default_folder()}, readable by you alone",
            "nothing on the host is changed",
        ),
    )
    return Prepared(plan, target, (reach,), EvidenceDeed(setting), setting.clock())
