"""What an action touches: each scheduler is asked, and none is taken for another."""

from types import SimpleNamespace

import pytest

from leptontui.actions import stakes
from leptontui.actions.blast import Traffic
from leptontui.actions.kube_names import KUBERNETES
from leptontui.actions.reach import Reach
from leptontui.actions.stakes import Surroundings, ask_room
from leptontui.model.target import Fleet, HostTarget


async def test_two_clusters_of_one_controller_are_both_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    login = HostTarget("login1")
    hosts = [
        HostTarget(name, scheduler=KUBERNETES, controller="login1", kube_context=name[0])
        for name in ("a1", "a2", "b1", "b2")
    ]
    asked: list[str | None] = []

    async def nodes(_: Reach, target: HostTarget) -> dict[str, dict[str, bool]]:
        asked.append(target.kube_context)
        return {"the cluster": {f"{target.kube_context}1": True, f"{target.kube_context}2": False}}

    async def reach_of(target: HostTarget) -> Reach:
        return Reach(target.name, "root@login1", None)  # type: ignore[arg-type]

    monkeypatch.setitem(stakes._ASKS, KUBERNETES, (nodes, stakes._ASKS[KUBERNETES][1]))
    facts = SimpleNamespace(link_of=lambda _: None)
    around = Surroundings(Fleet("lab", (*hosts, login)), facts, reach_of, Traffic())  # type: ignore[arg-type]
    room = await ask_room([hosts[0], hosts[2]], around)
    assert sorted(map(str, asked)) == ["a", "b"]
    assert room.parts[0].out == {"a2", "b2"}
    clusters = [part for part in room.parts if part.kind == "partition"]
    assert [(sorted(part.members), sorted(part.out)) for part in clusters] == [
        (["a1", "a2"], ["a2"]),
        (["b1", "b2"], ["b2"]),
    ]
