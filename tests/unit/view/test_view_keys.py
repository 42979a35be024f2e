"""The review of host keys: what is listed, under which heading, and what can not be accepted."""

from dataclasses import replace

from fleets import host_row, make_snapshot
from rich_fleet import changed_key, offered, rich_fleet, unknown_key

from leptontui.model.target import HostTarget
from leptontui.view.key_review import BASTIONS, CHANGED, changed, key_rows, waiting


def test_changed_keys_first_then_bastions_then_groups():
    rows = key_rows(rich_fleet())
    assert [(row.section, row.name) for row in rows] == [
        (CHANGED, "gpu-010"),
        (BASTIONS, "bastion2"),
        ("train", "gpu-007"),
    ]
    assert [row.is_changed for row in rows] == [True, False, False]
    assert rows[1].hosts == ("gpu-008", "gpu-009"), "one key, listed once"
    assert rows[2].fingerprint.startswith("SHA256:")


def test_counts():
    assert (waiting(rich_fleet()), changed(rich_fleet())) == (3, 1)
    assert (waiting(make_snapshot([host_row("a")], [])), changed(make_snapshot([host_row("a")], []))) == (0, 0)


def test_another_key_of_the_same_host_is_another_row():
    first = offered("a")
    second = replace(first, fingerprint="SHA256:other", public="ssh-ed25519 BBBB")

    def key(of):
        links = {"a": unknown_key("a", of)}
        return key_rows(make_snapshot([host_row("a")], [], links=links))[0].key

    assert key(first) == key(first)
    assert key(first) != key(second)


def test_the_key_of_a_hosts_jump_is_a_bastions():
    links = {"a": unknown_key("a", offered("[jump1]:2222"))}
    targets = {"a": HostTarget("a", group="train", jump="ops@jump1:2222,jump2")}
    assert key_rows(make_snapshot([host_row("a")], [], links=links, targets=targets))[0].section == BASTIONS


def test_a_changed_key_has_no_file_to_go_to_and_says_what_to_do():
    row = key_rows(make_snapshot([host_row("a")], [], links={"a": changed_key("a")}))[0]
    assert (row.file, row.fingerprint) == ("", "")
    assert "has changed" in row.cause
    assert "ssh-keygen -R" in row.mend


def test_hostile_names_are_texts():
    evil = replace(offered("a"), name="\x1b[31mx\n", algorithm="\x07", fingerprint="\x1b]8;;x\x07")
    row = key_rows(make_snapshot([host_row("a")], [], links={"a": unknown_key("a", evil)}))[0]
    assert all(text.isprintable() for text in (row.name, row.algorithm, row.fingerprint))
