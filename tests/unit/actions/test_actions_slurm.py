"""Slurm's text, as a real 22.05 prints it, and what nobody's Slurm should print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.slurm import NodeRecord, PartitionRoom, parse_nodes, parse_room
from leptontui.actions.slurm_jobs import NodeJob, parse_jobs

NODE = """\
NodeName=gpu0 Arch=x86_64 CoresPerSocket=1
   CPUAlloc=1 CPUEfctv=2 CPUTot=2 CPULoad=0.04
   AvailableFeatures=(null)
   Gres=(null)
   NodeAddr=127.0.0.1 NodeHostName=vm Port=23891 Version=22.05.8
   OS=Linux 6.18.44-fc-v595 #1 SMP PREEMPT_DYNAMIC @0
   RealMemory=100 AllocMem=0 FreeMem=23439 Sockets=2 Boards=1
   State=MIXED+DRAIN ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A
   Partitions=train,infer
   BootTime=2026-11-21T00:07:22 SlurmdStartTime=2026-11-21T00:32:58
   AllocTRES=cpu=1
   ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s
"""
REASON = "   Reason=anna: Xid 79 'quote' $(x) = a=b State=IDLE [bob@2026] [root@2026-11-21T00:33:01]\n"
FORGED = "   Comment=some words Reason=fake [bob@now] State=IDLE\n   Extra=State=IDLE\n"
TWO_LINES = "   Reason=two [root@2026-11-21T00:33:01]\n          lines State=IDLE\n"


def test_a_record_is_read() -> None:
    (node,) = parse_nodes(NODE + REASON + FORGED + "\n")
    assert node == NodeRecord(
        "gpu0",
        "MIXED+DRAIN",
        "anna: Xid 79 'quote' $(x) = a=b State=IDLE [bob@2026]",
        "root",
        "2026-11-21T00:33:01",
        ("train", "infer"),
    )
    assert node.is_draining
    assert node.is_at_work


def test_a_reason_of_two_lines_goes_on_where_it_is_indented() -> None:
    (node,) = parse_nodes(NODE + TWO_LINES)
    assert node.state == "MIXED+DRAIN"
    assert node.reason == "two [root@2026-11-21T00:33:01] lines State=IDLE"


def test_the_first_value_of_a_key_counts() -> None:
    (node,) = parse_nodes(NODE + "   Comment=one\n   State=IDLE Partitions=other\n")
    assert (node.state, node.partitions) == ("MIXED+DRAIN", ("train", "infer"))


def test_two_nodes_are_two_records() -> None:
    assert [node.name for node in parse_nodes(NODE + REASON + "\n" + NODE.replace("gpu0", "gpu1"))] == ["gpu0", "gpu1"]


@pytest.mark.parametrize("text", ["", "Node nope not found\n", "State=IDLE\n", "NodeName=gpu0\n"])
def test_what_is_no_record_is_none(text: str) -> None:
    assert parse_nodes(text) == []


@given(st.text(st.characters(exclude_characters="\n"), max_size=80))
def test_no_reason_can_change_what_is_read_of_the_node(reason: str) -> None:
    (node,) = parse_nodes(f"{NODE}   Reason={reason} [root@2026-11-21T00:33:01]\n{FORGED}")
    assert (node.name, node.state, node.partitions) == ("gpu0", "MIXED+DRAIN", ("train", "infer"))
    assert node.reason.isprintable()


@given(st.text(max_size=300))
def test_anything_can_be_read(text: str) -> None:
    for node in parse_nodes(text):
        assert node.name
    parse_jobs(text)
    parse_room(text, "gpu0", ("train",))


@pytest.mark.parametrize(
    ("state", "is_draining", "is_at_work"),
    [
        ("IDLE", False, False),
        ("IDLE*+DRAIN", True, False),
        ("IDLE+DRAIN+NOT_RESPONDING", True, False),
        ("ALLOCATED+DRAIN", True, True),
        ("MIXED", False, True),
        ("DRAINED", True, False),
        ("DRAINING*", True, True),
        ("DOWN+DRAIN", True, False),
        ("IDLE+COMPLETING+DRAIN", True, True),
    ],
)
def test_states(state: str, is_draining: bool, is_at_work: bool) -> None:
    node = NodeRecord("gpu0", state)
    assert (node.is_draining, node.is_at_work) == (is_draining, is_at_work)


@pytest.mark.parametrize(
    ("state", "is_down", "is_silent", "is_reboot_asked", "is_rebooting"),
    [
        ("IDLE", False, False, False, False),
        ("IDLE+CLOUD+POWERED_DOWN", False, False, False, False),
        ("IDLE+DRAIN+INVALID_REG", True, False, False, False),
        ("DOWN*+DRAIN", True, True, False, False),
        ("MIXED+NOT_RESPONDING", False, True, False, False),
        ("UNKNOWN+DRAIN", False, True, False, False),
        ("MIXED+DRAIN+REBOOT_REQUESTED", False, False, True, False),
        ("IDLE@", False, False, True, False),
        ("DOWN+DRAIN+REBOOT_ISSUED", True, False, False, True),
        ("DOWN^", True, False, False, True),
    ],
)
def test_states_beside_the_drain(
    state: str, is_down: bool, is_silent: bool, is_reboot_asked: bool, is_rebooting: bool
) -> None:
    node = NodeRecord("gpu0", state)
    assert (node.is_down, node.is_silent, node.is_reboot_asked, node.is_rebooting) == (
        is_down, is_silent, is_reboot_asked, is_rebooting,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("left", "seconds"),
    [("5:00", 300), ("9:57:49", 35869), ("1-02:03:04", 93784), ("0:00", 0), ("UNLIMITED", None), ("INVALID", None),
     ("NOT_SET", None), ("", None), ("1:2:3:4", None), ("-1:00", None)],
)  # fmt: skip
def test_how_long_a_job_may_go_on(left: str, seconds: int | None) -> None:
    assert NodeJob("1", "anna", "1", "0:01", left, "x").left_s == seconds


def test_a_jobs_name_may_hold_the_separator() -> None:
    assert parse_jobs("8812_3|anna|63|1-14:02:11|9:57:49|train|\x1b[31mllm\n\nnonsense\n") == [
        NodeJob("8812_3", "anna", "63", "1-14:02:11", "9:57:49", "train| llm")
    ]


def test_room_is_counted_without_the_node_and_without_those_out_of_service() -> None:
    text = (
        "gpu0|mix|train*\ngpu0|mix|infer\ngpu1|idle|train*\ngpu2|drng|train*\ngpu3|idle*|train*\ngpu4|alloc|train*\nx\n"
    )
    assert parse_room(text, "gpu0", ("train", "infer", "gone")) == [
        PartitionRoom("train", 2, 5),
        PartitionRoom("infer", 0, 1),
    ]
