"""Text from hosts: nothing that moves a cursor, changes a colour or reorders letters survives."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("a\x1b]0;title\x07b", "a b"),
        ("a\x1b]8;;http://x\x1b\\link", "a link"),
        ("a\x9b2Jb", "a b"),
        ("a\x9d0;title\x9cb", "a b"),
        ("\x1bcreset", "reset"),
        ("two\r\nlines\there", "two lines here"),
        ("gpu\u202etxt.exe", "gputxt.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("line\u2028sep", "line sep"),
        ("lone \ud800", "lone \ufffd"),
        ("[red]markup[/]", "[red]markup[/]"),
        ("Straße 東京 é", "Straße 東京 é"),
        ("\x00\x07\x7f\x80", ""),
        ("", ""),
    ],
)
def test_plain_shows(text, shown):
    assert plain(text, 200) == shown


def test_plain_marks_what_it_cut_off():
    assert plain("abcdef", 4) == "abc…"
    assert plain("abcd", 4) == "abcd"
    assert plain("abc" + " " * 100_000 + "def", 8) == "abc…"


@given(st.text(), st.integers(min_value=1, max_value=300))
def test_plain_is_one_short_printable_line(text, limit):
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in shown)
    assert plain(shown, limit) == shown


@given(st.text(alphabet="\x1b[]m0;\x07\x9b\x90\\P^ a", max_size=200))
def test_plain_leaves_no_escape(text):
    assert "\x1b" not in plain(text, 200)
    assert "\x9b" not in plain(text, 200)


def test_plain_of_a_huge_hostile_text_is_bounded():
    assert plain("\x1b]" * 10_000_000, 20) in {"", "…"}
