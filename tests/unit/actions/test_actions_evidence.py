"""Evidence: what is asked, what is kept, what is missing and why, masked, limited, written whole or not at all."""

import asyncio
import gzip
import hashlib
import json
import os
import stat
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions import evidence as evidence_module
from leptontui.actions.evidence import Evidence, capture
from leptontui.actions.evidence_action import prepare_evidence
from leptontui.actions.evidence_masking import masked_lines
from leptontui.actions.evidence_parts import parts_of
from leptontui.errors import CommandTimeout, EvidenceError
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.target import HostTarget
from leptontui.probe.masking import masked_text
from leptontui.transport.contract import Completed
from tests.unit.actions.setting_scene import Answering, Clock, link_error, not_found, said, setting_of

REQUEST = ActionRequest(ActionName.EVIDENCE, "gpu-017")
NODE = "NodeName=gpu-017 Arch=x86_64\n   State=IDLE+DRAIN ThreadsPerCore=1\n   Partitions=train\n   Reason=anna: x\n\n"


def host(argv: tuple[str, ...]) -> Completed | Exception:
    if argv[0] in {"ibstat", "rdma"}:
        return not_found(argv)
    if argv[0] == "journalctl" and "-u" in argv and argv[-1] != "slurmd.service":
        return said("")
    return said(f"{' '.join(argv)} says this\n")


def slurm(argv: tuple[str, ...]) -> Completed | Exception:
    if argv[:3] == ("scontrol", "show", "node"):
        return said(NODE)
    if argv[0] == "squeue":
        return said("" if "-h" in argv else "JOBID|USER\n")
    return not_found(argv)


def opened(evidence: Evidence) -> dict[str, str]:
    """The archive's files by name, without the folder they are in."""
    with tarfile.open(evidence.path) as archive:
        members = archive.getmembers()
        assert all(member.isfile() and member.mode == 0o600 for member in members)
        assert {member.name.partition("/")[0] for member in members} == {evidence.path.name.removesuffix(".tar.gz")}
        files = {member.name.partition("/")[2]: archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


async def test_everything_is_kept_in_one_archive(tmp_path: Path) -> None:
    setting = setting_of(REQUEST, {"gpu-017": Answering(host), "login1": Answering(slurm)})
    evidence = await capture(setting, tmp_path / "evidence")
    assert evidence.missing == ()
    assert evidence.missing == ()
    assert not evidence.is_empty
    assert evidence.path.name == "gpu-017-20270115T080000Z-0123456789abcdef.tar.gz"
    assert stat.S_IMODE(evidence.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(evidence.path.parent.stat().st_mode) == 0o700
    assert hashlib.sha256(evidence.path.read_bytes()).hexdigest() == evidence.sha256
    assert evidence.size_bytes == evidence.path.stat().st_size
    files = opened(evidence)
    assert files["nvidia-smi-q.txt"] == "nvidia-smi -q says this\n"
    assert files["slurm-node.txt"] == NODE
    assert files["jobs.txt"] == "JOBID|USER\n"
    assert "journal-04-slurmd.service.txt" in files
    assert "infiniband.txt" not in files, "there is none, and none is missed"
    manifest = json.loads(files["manifest.json"])
    assert (manifest["host"], manifest["user"], manifest["begun"]) == ("gpu-017", "anna", "2027-01-15T08:00:00Z")
    listed = {part["file"]: part for part in manifest["parts"]}
    assert listed["ecc.txt"]["argv"] == ["nvidia-smi", "-q", "-d", "ECC,ROW_REMAPPER,PAGE_RETIREMENT"]
    assert listed["ecc.txt"]["sha256"] == hashlib.sha256(files["ecc.txt"].encode()).hexdigest()
    assert set(listed) == set(files) - {"manifest.json"}
    assert os.listdir(evidence.path.parent) == [evidence.path.name], "nothing partial is left"  # noqa: PTH208


async def test_what_fails_is_said_and_stops_nothing(tmp_path: Path) -> None:
    def sick(argv: tuple[str, ...]) -> Completed | Exception:
        if argv[0] == "nvidia-smi":
            return CommandTimeout("no answer within 45 s")
        if argv[0] == "journalctl":
            return said("", 1, "No journal files were found.")
        if argv[0] == "lspci":
            return not_found(argv)
        return host(argv)

    transport = Answering(sick)
    evidence = await capture(setting_of(REQUEST, {"gpu-017": transport, "login1": Answering(slurm)}), tmp_path)
    missing = dict(evidence.missing)
    assert missing["nvidia-smi -q"] == "no answer within 45 s"
    assert missing["PCI devices"] == "sh: lspci: not found"
    assert "did not answer" in missing["topology"]
    assert "kernel log" in evidence.parts, "dmesg has it where there is no journal"
    assert opened(evidence)["kernel-log.txt"] == "dmesg -T says this\n"
    assert len([line for line in transport.asked if line.startswith("nvidia-smi")]) <= 4, "a hung driver is left alone"
    assert "missing: " in evidence.words


async def test_a_host_that_cannot_be_reached_leaves_what_its_scheduler_says(tmp_path: Path) -> None:
    evidence = await capture(setting_of(REQUEST, {"login1": Answering(slurm)}), tmp_path)
    assert evidence.is_empty
    assert evidence.parts == ("Slurm's node", "jobs")
    assert ("host", "gpu-017 does not answer") in evidence.missing


async def test_a_scheduler_that_cannot_be_reached_leaves_the_host(tmp_path: Path) -> None:
    evidence = await capture(setting_of(REQUEST, {"gpu-017": Answering(host)}), tmp_path)
    assert not evidence.is_empty
    assert evidence.missing == (("scheduler", "login1 does not answer"),)


async def test_a_link_that_breaks_is_not_asked_twenty_times(tmp_path: Path) -> None:
    transport = Answering(lambda _: link_error())
    evidence = await capture(setting_of(REQUEST, {"gpu-017": transport, "login1": Answering(slurm)}), tmp_path)
    assert evidence.is_empty
    assert len(transport.asked) <= 4
    assert set(dict(evidence.missing).values()) == {"the link dropped"}


async def test_what_takes_too_long_is_left_out(tmp_path: Path) -> None:
    class Slow(Answering):
        async def run(self, argv: tuple[str, ...], **options: object) -> Completed:  # type: ignore[override]
            if argv[0] == "nvidia-smi":
                await asyncio.Event().wait()
            return await super().run(argv, **options)  # type: ignore[arg-type]

    setting = setting_of(REQUEST, {"gpu-017": Slow(host), "login1": Answering(slurm)})
    evidence = await capture(setting, tmp_path, limit_s=0.2)
    missing = dict(evidence.missing)
    assert missing["nvidia-smi -q"] == "there was no time left"
    assert missing["host"] == "not all of it was there after 0.2 s"
    assert "kernel log" in evidence.parts


async def test_secrets_are_masked(tmp_path: Path) -> None:
    def leaky(argv: tuple[str, ...]) -> Completed | Exception:
        if argv[0] == "ps":
            return said("1 root vllm --api-key hunter2hunter2 --model x\n2 root HF_TOKEN=hf_abcdefghijklmnopqrst y\n")
        return host(argv)

    evidence = await capture(setting_of(REQUEST, {"gpu-017": Answering(leaky), "login1": Answering(slurm)}), tmp_path)
    text = opened(evidence)["processes.txt"]
    assert text == "1 root vllm --api-key *** --model x\n2 root HF_TOKEN=*** y\n"
    assert b"hunter2" not in gzip.decompress(evidence.path.read_bytes())


async def test_a_flood_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_module, "TOTAL_LIMIT", 3 << 20)

    def flooding(argv: tuple[str, ...]) -> Completed | Exception:
        return said("x\n" * (4 << 20)) if argv[0] in {"ps", "df"} else host(argv)

    setting = setting_of(REQUEST, {"gpu-017": Answering(flooding), "login1": Answering(slurm)})
    evidence = await capture(setting, tmp_path)
    parts = {part["file"]: part for part in json.loads(opened(evidence)["manifest.json"])["parts"]}
    assert parts["processes.txt"]["was_cut"]
    assert parts["processes.txt"]["bytes"] == 2 << 20
    assert ("filesystems", "there was no room left in the archive") in evidence.missing


async def test_without_rights_sudo_is_tried_once(tmp_path: Path) -> None:
    def refusing(argv: tuple[str, ...]) -> Completed | Exception:
        return said("", 1, "sudo: a password is required\n") if argv[0] == "sudo" else host(argv)

    transport = Answering(refusing, address="oncall@somewhere")
    evidence = await capture(setting_of(REQUEST, {"gpu-017": transport, "login1": Answering(slurm)}), tmp_path)
    assert evidence.missing == ()
    assert len([line for line in transport.asked if line.startswith("sudo")]) == 1


@pytest.mark.parametrize("first", ["sudo: journalctl: command not found", "sudo: a password is required"])
async def test_what_sudo_refuses_or_does_not_find_once_is_no_rule_for_the_rest(tmp_path: Path, first: str) -> None:
    """Where sudoers lets some commands be run, the others are asked as the login may."""

    def choosy(argv: tuple[str, ...]) -> Completed | Exception:
        if argv[:2] == ("sudo", "-n"):
            return said("", 1, f"{first}\n".replace("journalctl", argv[2])) if argv[2] == "lspci" else host(argv[2:])
        return not_found(argv) if argv[0] == "lspci" else host(argv)

    transport = Answering(choosy, address="oncall@somewhere")
    evidence = await capture(setting_of(REQUEST, {"gpu-017": transport, "login1": Answering(slurm)}), tmp_path)
    assert dict(evidence.missing).keys() == {"PCI devices"}
    journals = [line for line in transport.asked if "journalctl" in line]
    assert all(line.startswith("sudo -n ") for line in journals), journals


async def test_with_rights_what_root_may_read_is_asked_as_root(tmp_path: Path) -> None:
    def letting(argv: tuple[str, ...]) -> Completed | Exception:
        return host(argv[2:] if argv[0] == "sudo" else argv)

    transport = Answering(letting, address="oncall@somewhere")
    await capture(setting_of(REQUEST, {"gpu-017": transport, "login1": Answering(slurm)}), tmp_path)
    assert any(line.startswith("sudo -n journalctl") and " -k " in line for line in transport.asked)
    assert any(line.startswith("sudo -n lspci") for line in transport.asked)
    assert not any(line.startswith("sudo -n nvidia-smi") for line in transport.asked)


async def test_a_folder_that_cannot_be_made_is_told() -> None:
    with pytest.raises(EvidenceError, match="cannot be written to /dev/null/evidence: Not a directory"):
        await capture(setting_of(REQUEST, {"gpu-017": Answering(host)}), Path("/dev/null/evidence"))


async def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EvidenceError, match="No space left on device"):
        await capture(setting_of(REQUEST, {"gpu-017": Answering(host)}), tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize("at", [0.3, 0.6, 0.95])
async def test_what_reads_back_otherwise_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: float
) -> None:
    read = Path.read_bytes

    def spoilt(path: Path) -> bytes:
        raw = bytearray(read(path))
        raw[int(len(raw) * at)] ^= 0x10
        return bytes(raw)

    monkeypatch.setattr(Path, "read_bytes", spoilt)
    with pytest.raises(EvidenceError, match="it reads back"):
        await capture(setting_of(REQUEST, {"gpu-017": Answering(host)}), tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


async def test_an_archive_is_never_written_over(tmp_path: Path) -> None:
    clock = Clock()
    setting = setting_of(REQUEST, {"gpu-017": Answering(host)}, clock=clock)
    first = await capture(setting, tmp_path)
    clock.now += 1.0
    second = await capture(setting, tmp_path)
    assert first.path != second.path


async def test_a_hostile_host_name_stays_in_the_folder(tmp_path: Path) -> None:
    target = HostTarget("../../etc/x y")
    setting = setting_of(ActionRequest(ActionName.EVIDENCE, target.name), {target.name: Answering(host)}, target=target)
    evidence = await capture(setting, tmp_path)
    assert evidence.path.parent == tmp_path


async def test_the_action_collects_and_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    setting = setting_of(REQUEST, {"gpu-017": Answering(host), "login1": Answering(slurm)}, clock=clock)
    setting = replace(setting, evidence_in=tmp_path)
    prepared = await prepare_evidence(setting)
    assert prepared.plan.steps == ()
    assert "asks on gpu-017: nvidia-smi -q" in prepared.plan.running_there
    assert prepared.plan.confirmation == ""
    verdict = await prepared.deed.verify()
    assert verdict.is_so
    assert str(tmp_path) in verdict.said
    assert any(line.startswith("evidence: nvidia-smi -q: ") for line in clock.told)
    assert any(line.startswith("evidence: InfiniBand: not there (") for line in clock.told)
    assert not any("missing" in line for line in clock.told), "what a host may lack is not missed, and not called so"


def test_units_of_all_kinds_have_their_journal() -> None:
    units = (
        "vllm.service",
        "user:notebook.service",
        "docker:vllm",
        "kube:prod/deployment/x",
        "bad unit!",
        "docker-vllm",
    )
    parts = {part.name: part.tries[0] for part in parts_of(HostTarget("h", units=units))}
    assert parts["journal of vllm.service"][-2:] == ("-u", "vllm.service")
    assert "--user" in parts["journal of user:notebook.service"]
    assert parts["journal of docker:vllm"] == ("docker", "logs", "--timestamps", "--tail", "3000", "vllm")
    assert not any("kube:" in name or "bad unit" in name for name in parts)
    files = [part.file for part in parts_of(HostTarget("h", units=units))]
    assert len(set(files)) == len(files)


def test_a_private_key_is_masked_as_a_whole() -> None:
    text = "before\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\ndef\n-----END OPENSSH PRIVATE KEY-----\nafter"
    assert masked_lines(text) == "before\n***\nafter"


@given(st.text(alphabet="abp wsk-_:=./\"'tokensecretTOKEN", max_size=60))
def test_lines_that_are_not_looked_at_have_nothing_to_mask(line: str) -> None:
    assert masked_lines(line) == str(masked_text(line))
