"""The filter language: what it understands, what it says of what it does not, and that it never raises."""

import pytest
from fleets import T0, frame_of, gpu_row, host_row, make_snapshot, train_fleet
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.model.series import Entity
from leptontui.view.arrange import arrange
from leptontui.view.filtering import condition
from leptontui.view.query import FIELDS, Op, parse
from leptontui.view.state import Rows, ViewState


def shown(filter_text, rows=Rows.GPU, snapshot=None):
    arrangement = arrange(snapshot or FLEET, ViewState(rows, filter_text))
    return {(row.id.host, getattr(row, "gpu", None)) for row in arrangement.rows(0, arrangement.shown)}


FLEET = make_snapshot(
    [
        host_row("a1", group="train"),
        host_row("a2", group="infer", cpu_util_pct=91.0),
        host_row("b1", group="train", link="lost", severity=1, link_cause="bastion2 unreachable"),
    ],
    [
        gpu_row("a1", 0, util_pct=3.0, job="8812", user="anna", memory_used_bytes=78 << 30),
        gpu_row("a1", 1, util_pct=None, job="88123", user="bob", memory_used_bytes=8 << 30),
        gpu_row(
            "a2",
            0,
            group="infer",
            util_pct=97.0,
            job="",
            user="",
            name="NVIDIA A100-SXM4-80GB",
            severity=4,
            health="Xid 79",
        ),
    ],
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {("a1", 0), ("a1", 1), ("a2", 0), ("b1", None)}),
        ("xid", {("a2", 0)}),
        ("A100 a2", {("a2", 0)}),
        ("job:8812", {("a1", 0)}),
        ("job:8812*", {("a1", 0), ("a1", 1)}),
        ("job:8812,88123", {("a1", 0), ("a1", 1)}),
        ("user:ann", {("a1", 0)}),
        ("group:train", {("a1", 0), ("a1", 1), ("b1", None)}),
        ("host:a?", {("a1", 0), ("a1", 1), ("a2", 0)}),
        ("link:lost", {("b1", None)}),
        ("util<10", {("a1", 0)}),
        ("util < 10", {("a1", 0)}),
        ("util>=97", {("a2", 0)}),
        ("mem>90%", {("a1", 0), ("a2", 0)}),
        ("mem<10", {("a1", 1)}),
        ("gpu=1", {("a1", 1)}),
        ("sev:critical", {("a2", 0)}),
        ("sev>=warn", {("a2", 0)}),
        ("!util<10", {("a1", 1), ("a2", 0), ("b1", None)}),
        ("!group:train", {("a2", 0)}),
        ('"xid 79"', {("a2", 0)}),
        ("bastion2", set()),
    ],
)
def test_gpu_rows(text, found):
    assert shown(text) == found


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("job:8812", {"a1"}),
        ("user:bob", {"a1"}),
        ("model:a100", {"a2"}),
        ("cpu>90", {"a2"}),
        ("util>90", {"a2"}),
        ("bastion2", {"b1"}),
        ("8812", {"a1"}),
        ("!job:8812", {"a2", "b1"}),
    ],
)
def test_host_rows(text, hosts):
    assert {host for host, _ in shown(text, Rows.HOST)} == hosts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jop:1", "no field jop, did you mean job?"),
        ("zzzz:1", "no field zzzz, help lists them"),
        ("util<hot", "util is compared with a number, not hot"),
        ("util<", "util< what?"),
        ("job:", "job: what?"),
        ("job<3", "job is a text: job:3"),
        ("sev:bad", "no severity bad"),
    ],
)
def test_what_is_not_understood_is_said_and_the_rest_still_filters(text, words):
    query = parse(f"a1 {text}")
    assert words in query.error
    assert [term.words for term in query.terms] == [("a1",)]


def test_patterns_are_text_not_regular_expressions():
    hosts = [host_row("a.c"), host_row("abc")]
    snapshot = make_snapshot(hosts, [gpu_row("a.c", 0), gpu_row("abc", 0)])
    assert shown("host:a.c", snapshot=snapshot) == {("a.c", 0)}
    assert shown("host:(", snapshot=snapshot) == set()


_WORDS = st.sampled_from(
    [*FIELDS, *(op.value for op in Op), "!", '"', "*", "?", " ", "%", "-1", "9e9", "٣", "[red]", "\\", "é"]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(_WORDS, max_size=12).map("".join)))
def test_no_text_raises(text):
    query = parse(text)
    for rows, entity, row in ((Rows.GPU, Entity.GPU, gpu_row("a1", 0)), (Rows.HOST, Entity.HOST, host_row("a1"))):
        frame = frame_of(entity, [row])
        assert frame.filter(condition(query, rows, frame.columns, ())).height in {0, 1}


def test_train_fleet_is_taken_at_one_instant():
    assert train_fleet().t_unix_s == T0
