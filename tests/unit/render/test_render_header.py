"""The header drops what matters least, keeps what matters most, and says what is the matter in words."""

from dataclasses import replace

import pytest

from leptontui.model.health import Severity
from leptontui.model.link import LinkCounts, LinkState
from leptontui.model.series import ForecasterState, ForecasterStatus
from leptontui.render.cells import fit, fit_pieces, width_of
from leptontui.render.counts import counts
from leptontui.render.header import HeaderFacts, header
from leptontui.render.standing import standing

NOW = 1_773_457_964.0
FACTS = HeaderFacts(
    "train",
    NOW,
    counts=LinkCounts(live=61, stale=1, lost=1, refused=1),
    gpus=512,
    util_pct=87.0,
    power_w=318_000.0,
    age_s=0.6,
    forecaster=ForecasterStatus(ForecasterState.READY),
)


def text(facts, width=120):
    return "".join(piece.text for piece in header(facts, width))


def test_a_wide_header_says_it_all():
    line = text(FACTS)
    for words in (
        "lepton ▸ train",
        "64 hosts  ● 61  ◌ 1  ✖ 1  ⊘ 1",
        "512 GPUs",
        "util 87.0 %",
        "age 0.6 s",
        "READ-ONLY",
    ):
        assert words in line
    assert "power 318 kW" in text(FACTS, 140)


@pytest.mark.parametrize("width", range(1, 160))
def test_the_header_is_exactly_as_wide_as_the_screen(width):
    facts = replace(FACTS, dropped_sweeps=1234, failure="x" * 90, armed_until_unix_s=NOW + 5, is_frozen=True)
    assert width_of(header(facts, width)) == width


def test_eighty_columns_keep_links_age_and_arming():
    line = text(FACTS, 80)
    for words in ("train", "64 hosts", "✖ 1", "age 0.6 s", "READ-ONLY"):
        assert words in line
    assert "power" not in line


def test_links_are_told_in_short_rather_than_not_at_all():
    facts = replace(FACTS, fleet="~/.ssh/config", counts=LinkCounts(live=3, dialing=1, lost=2, refused=2), gpus=0)
    line = text(facts, 80)
    assert "   ● 3  ○ 1  ✖ 2  ⊘ 2   " in line
    assert "dialing" not in line
    assert "8 hosts  ● 3  ○ 1 dialing  ✖ 2  ⊘ 2" in text(facts, 100)


def test_arming_counts_down_and_ends():
    assert "ARMED 14:32" in text(replace(FACTS, armed_until_unix_s=NOW + 872))
    assert "READ-ONLY" in text(replace(FACTS, armed_until_unix_s=NOW - 1))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dropped_sweeps": 1200}, "1.2k sweeps dropped"),
        ({"is_frozen": True, "age_s": 42.0}, "FROZEN 42 s"),
        ({"failure": "no more data: OSError: disk"}, "✖ no more data: OSError: disk"),
        ({"forecaster": ForecasterStatus(ForecasterState.STARTING)}, "forecasts: starting"),
        ({"forecaster": ForecasterStatus(ForecasterState.DIED, "killed")}, "forecaster died: killed, restarting"),
        ({"forecaster": ForecasterStatus(ForecasterState.OFF, "no CPU")}, "no forecasts: no CPU"),
    ],
)
def test_what_is_the_matter_is_said(change, words):
    assert words not in text(FACTS, 200)
    assert words in text(replace(FACTS, **change), 200)


def counted(*numbers, blind=0, is_short=False):
    return "".join(piece.text for piece in counts(*numbers, blind=blind, is_short=is_short))


def test_counts():
    assert counted(1, 2, 5) == "✖ 1 critical   ◆ 2 predicted   ▲ 5 warnings"
    assert counted(0, 0, 1) == "▲ 1 warning"
    assert counted(1, 0, 2, blind=3, is_short=True) == "✖ 1   ▲ 2   ◌ 3"


def test_all_is_well_only_where_all_is_seen():
    assert counted(0, 0, 0) == "● all well"
    assert counted(0, 0, 0, blind=1) == "◌ blind on 1 host"


def said(*arguments):
    return "".join(piece.text for piece in standing(*arguments))


def test_standing_says_the_age_of_what_is_not_live_first():
    assert said(Severity.UNKNOWN, "stale", LinkState.STALE, "", 42.0) == "◌ stale 42 s"
    assert said(Severity.UNKNOWN, "x", LinkState.LOST, "no route", 130.0) == "✖ lost 2 m  no route"
    assert said(Severity.CRITICAL, "Xid 79", LinkState.LOST, "no route", 130.0) == "✖ lost 2 m  Xid 79"
    assert said(Severity.UNKNOWN, "", LinkState.DIALING, "", None) == "○ dialing"
    assert said(Severity.CRITICAL, "Xid 79", LinkState.LIVE, "", 0.5) == "✖ Xid 79"
    assert said(Severity.WELL, "", LinkState.LIVE, "", 0.5) == "●"


def test_fitting_counts_cells_not_characters():
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 7) == "日本語 "
    assert fit("abc", 5, is_left=False) == "  abc"
    assert fit("abc", 0) == ""
    assert width_of(fit_pieces((), 4)) == 4
