"""A real Slurm as source of hosts: nodes, partitions and states as its own scontrol says them."""

from pathlib import Path

import pytest

from leptontui.config.choose import Choice
from leptontui.inventory.asking import ask
from leptontui.inventory.book import Book
from leptontui.transport.local import LocalTransport
from tests.lab.slurm import SlurmLab

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm")]


async def test_nodes_partitions_and_states(slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "fleet.toml"
    path.write_text('[[source]]\nkind = "slurm"\n[[source]]\nkind = "slurm"\npartitions = ["infer"]\nname = "serve"\n')
    book = Book.open(Choice(inventory=path))
    slurm.command("scontrol", "update", "NodeName=gpu1", "State=DRAIN", "Reason=ECC State=IDLE")
    try:
        for spec in book.sources:
            book.keep(spec, await ask(spec, lambda target: LocalTransport()))
    finally:
        slurm.command("scontrol", "update", "NodeName=gpu1", "State=RESUME")
    assert book.is_whole
    assert book.page(book.sources[1]).answer.found.hosts[0].name == "gpu0"
    assert len(book.page(book.sources[1]).answer.found.hosts) == 1
    first, second = book.fleet().hosts
    assert (first.name, first.group, first.partitions) == ("gpu0", "train", ("train", "infer"))
    assert (first.node_state, first.address, first.origin) == ("idle", "127.0.0.1", "slurm at this machine")
    assert (second.name, second.partitions, second.node_state) == ("gpu1", ("train",), "idle+drain")
