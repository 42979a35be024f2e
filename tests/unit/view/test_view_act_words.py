"""What a command without a screen tells of a run: every line once, and how it ended."""

from leptontui.model.activity import TargetRun, TargetState
from leptontui.view.act_words import news, unseen

RUNNING, VERIFIED = TargetState.RUNNING, TargetState.VERIFIED


def test_only_what_is_new_is_told() -> None:
    one, two = TargetRun("a", RUNNING, lines=("x", "y")), TargetRun("a", RUNNING, lines=("y", "z"))
    assert news(None, one) == ["a: running", "a | x", "a | y"]
    assert news(one, two) == ["a | z"]


def test_what_was_told_as_it_came_is_not_told_again_at_the_end() -> None:
    before = TargetRun("a", RUNNING, lines=("a$ reboot", "going down"))
    after = TargetRun("a", VERIFIED, "it is back", lines=("going down", "no such file"))
    told = {"a$ reboot", "going down"}
    assert news(before, after, told) == ["a | no such file", "a: verified: it is back"]
    assert news(before, TargetRun("a", RUNNING, lines=("going down", "going down")), told) == ["a | going down"], (
        "while it runs, a line that comes twice is told twice"
    )


def test_windows_on_the_same_lines_overlap() -> None:
    assert unseen(("1", "2", "3"), ("2", "3", "4")) == ("4",)
    assert unseen((), ("1",)) == ("1",)
    assert unseen(("1",), ("1",)) == ()
    assert unseen(("1", "2"), ("8", "9")) == ("8", "9")
