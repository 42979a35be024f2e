"""What guards actions here: who acts, the policies, the locks that users share, and the audit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leptontui.actions.actor import Actor, whoami
from leptontui.actions.audit import Audit
from leptontui.actions.lock_files import shared_folder
from leptontui.actions.locks import Locks, SharedLocks
from leptontui.actions.private_locks import PrivateLocks
from leptontui.config.policy_book import PolicyBook
from leptontui.model.policy import Policies, built_in


@dataclass(frozen=True, slots=True)
class Guarding:
    """What a desk is given to guard its actions with.

    Attributes:
        actor: who acts.
        policies: what holds now.
        locks: what keeps actions out of each other's way.
        audit: where every action is written down.
    """

    actor: Actor
    policies: Callable[[], Policies]
    locks: Locks
    audit: Audit


def guarding(state: Path | None = None) -> Guarding:
    """What guards actions.

    Args:
        state: where the audit is kept, for a simulated fleet: what is done there stands nowhere else, and is held to
            no policy but what is built in. None for the real one.
    """
    actor = whoami()
    if state is not None:
        audit = Audit(state / "audit.jsonl", sudo_user=actor.sudo_user, actor=actor)
        return Guarding(actor, built_in, PrivateLocks(time.time), audit)
    policies = PolicyBook()
    audit = Audit(sudo_user=actor.sudo_user, actor=actor, copies=lambda: policies().syslog)

    def folder() -> Path:
        """Where the locks are: as the system's policy says, else where every user finds them."""
        named = policies().locks
        return Path(named) if named else shared_folder()

    return Guarding(actor, policies, SharedLocks(folder), audit)
