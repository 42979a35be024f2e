"""The runner: output as it comes, what is skipped, what is taken back, and what becomes of a lost link."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.live_lines import LINE_CHARS, MOST_LINES, LiveLines
from leptontui.actions.reach import Verdict
from leptontui.errors import ActionError, CommandTimeout
from leptontui.model.action import OutcomeKind
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import OK, link_error
from tests.unit.actions.services_stage import ScriptedDeed, Stage, prepared_of

SO = Verdict(is_so=True, said="it is so")
NOT_SO = Verdict(is_so=False, said="it is not so")


def stage_of(**answers: Completed) -> Stage:
    return Stage(lambda argv: answers.get(argv[0], OK))


async def test_commands_and_what_they_print_are_told_as_they_come() -> None:
    stage = stage_of(first=Completed(0, "one\ntwo\rthree", "\x1b[31moh\x1b[0m\n"))
    outcome = await stage.run(await prepared_of(stage, ScriptedDeed([SO]), ["first", "a b"]))
    assert outcome.kind is OutcomeKind.VERIFIED
    assert stage.told == [
        "h1$ first 'a b'",
        "one",
        "two",
        "three oh",
        "h1: exit status 0 after 0.0 s",
        "verified: it is so",
    ]


async def test_a_plan_without_commands_is_only_verified() -> None:
    stage = stage_of()
    outcome = await stage.run(await prepared_of(stage, ScriptedDeed([SO])))
    assert (outcome.kind, outcome.summary, stage.transport.ran) == (OutcomeKind.VERIFIED, "it is so", [])


async def test_what_is_not_needed_any_more_is_skipped_and_recorded() -> None:
    stage = stage_of()
    deed = ScriptedDeed([SO], needed=lambda number: number == 0)
    outcome = await stage.run(await prepared_of(stage, deed, ["kill", "-TERM"], ["kill", "-KILL"]))
    assert outcome.kind is OutcomeKind.VERIFIED
    assert stage.transport.ran == [("kill", "-TERM")]
    assert stage.record.steps[1] == {"argv": ["kill", "-KILL"], "skipped": True}
    assert "h1: not needed any more: kill -KILL" in stage.told


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (ActionError("the standby is not in service"), OutcomeKind.FAILED, "b on h1 was not run: the standby is not"),
        (link_error("the link dropped"), OutcomeKind.UNKNOWN, "whether b is still needed could not be asked"),
    ],
)
async def test_what_cannot_be_said_to_be_needed_is_not_run(error: Exception, kind: OutcomeKind, said: str) -> None:
    def needed(number: int) -> bool:
        if number == 1:
            raise error
        return True

    stage = stage_of()
    outcome = await stage.run(await prepared_of(stage, ScriptedDeed([NOT_SO], needed=needed), ["a"], ["b"]))
    assert outcome.kind is kind
    assert outcome.summary.startswith(said)
    assert stage.transport.ran == [("a",)]


async def test_after_a_failure_what_went_well_is_taken_back_last_first() -> None:
    stage = stage_of(third=Completed(1, "", "no\n"))
    deed = ScriptedDeed([SO], needed=lambda number: number != 1)
    prepared = await prepared_of(
        stage, deed, ["zeroth"], ["skipped"], ["second"], ["third"], ["fourth"],
        take_back={0: "undo-0", 1: "undo-1", 2: "undo-2", 3: "undo-3"},
    )  # fmt: skip
    outcome = await stage.run(prepared)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.summary == "third on h1 failed: no; taken back with: undo-2; taken back with: undo-0"
    assert [argv[0] for argv in stage.transport.ran] == ["zeroth", "second", "third", "undo-2", "undo-0"]
    assert [step.get("takes_back") for step in stage.record.steps] == [None, None, None, None, 2, 0]


async def test_what_cannot_be_taken_back_is_said_and_the_others_are() -> None:
    stage = stage_of(third=Completed(1, "", "no\n"), undo1=Completed(1, "", "never\n"))
    prepared = await prepared_of(stage, ScriptedDeed([SO]), ["a"], ["b"], ["third"], take_back={0: "undo0", 1: "undo1"})
    outcome = await stage.run(prepared)
    assert "NOT taken back: undo1 on h1 failed: never; taken back with: undo0" in outcome.summary


async def test_a_lost_link_takes_nothing_back() -> None:
    stage = stage_of()
    stage.transport.instead["second"] = link_error()
    prepared = await prepared_of(stage, ScriptedDeed([NOT_SO]), ["first"], ["second"], take_back={0: "undo"})
    assert (await stage.run(prepared)).kind is OutcomeKind.UNKNOWN
    assert [argv[0] for argv in stage.transport.ran] == ["first", "second"]


@pytest.mark.parametrize(
    "broken",
    [
        link_error("the link dropped"),
        CommandTimeout("no answer within 60 s"),
        Completed(None, "", ""),
        Completed(-9, "", ""),
        Completed(
            1, "", "Warning! D-Bus connection terminated.\nFailed to wait for response: Connection reset by peer\n"
        ),
        Completed(1, "", "slurm_update error: Socket timed out on send/recv operation\n"),
    ],
)
async def test_after_a_lost_link_the_host_is_asked_until_it_answers_and_nothing_is_run_again(
    broken: Exception | Completed,
) -> None:
    stage = stage_of()
    stage.transport.instead["restart"] = broken
    deed = ScriptedDeed([link_error("no route to host"), CommandTimeout("no answer within 20 s"), link_error(), SO])
    outcome = await stage.run(await prepared_of(stage, deed, ["restart"]))
    assert outcome.kind is OutcomeKind.VERIFIED
    assert outcome.summary.endswith("; asked again: it is so")
    assert stage.slept == [1.0, 2.0, 4.0]
    assert stage.transport.ran == [("restart",)]
    assert "unknown, checking: no answer (no route to host); asked again in 1 s" in stage.told


async def test_a_host_that_stays_away_leaves_the_outcome_unknown() -> None:
    stage = stage_of()
    stage.transport.instead["restart"] = link_error("the link dropped")
    deed = ScriptedDeed([link_error("no route to host")])
    outcome = await stage.run(await prepared_of(stage, deed, ["restart"]))
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert outcome.summary == (
        "restart on h1 may or may not have run: the link dropped; it could not be asked again: no route to host"
    )
    assert 150 < sum(stage.slept) <= 180


async def test_a_clock_that_is_set_meanwhile_does_not_make_it_ask_for_ever() -> None:
    stage = stage_of()
    stage.transport.instead["restart"] = link_error()

    def set_back() -> None:
        stage.now -= 3600

    stage.on_sleep = set_back
    deed = ScriptedDeed([link_error()], patience=20.0)
    assert (await stage.run(await prepared_of(stage, deed, ["restart"]))).kind is OutcomeKind.UNKNOWN
    assert sum(stage.slept) <= 20


async def test_not_so_is_asked_for_a_few_times_more() -> None:
    stage = stage_of()
    stage.transport.instead["restart"] = link_error()
    deed = ScriptedDeed([NOT_SO, NOT_SO, SO])
    assert (await stage.run(await prepared_of(stage, deed, ["restart"]))).kind is OutcomeKind.VERIFIED
    assert stage.slept == [2.0, 5.0]


async def test_a_host_that_is_just_back_may_answer_nonsense_for_a_moment() -> None:
    stage = stage_of()
    stage.transport.instead["restart"] = link_error()
    deed = ScriptedDeed([link_error(), ActionError("Failed to connect to bus"), SO])
    assert (await stage.run(await prepared_of(stage, deed, ["restart"]))).kind is OutcomeKind.VERIFIED


async def test_not_so_after_a_lost_link_stays_unknown() -> None:
    stage = stage_of()
    stage.transport.instead["restart"] = link_error()
    deed = ScriptedDeed([NOT_SO])
    outcome = await stage.run(await prepared_of(stage, deed, ["restart"]))
    assert (outcome.kind, deed.asked) == (OutcomeKind.UNKNOWN, 4)


async def test_a_link_lost_after_the_commands_ended_well_is_waited_for() -> None:
    stage = stage_of()
    deed = ScriptedDeed([link_error(), SO])
    assert (await stage.run(await prepared_of(stage, deed, ["restart"]))).kind is OutcomeKind.VERIFIED


async def test_a_run_that_is_cancelled_keeps_its_record() -> None:
    stage = stage_of()
    deed = ScriptedDeed([link_error()], patience=1e9)
    sleeping = asyncio.Event()
    stage.on_sleep = sleeping.set
    task = asyncio.create_task(stage.run(await prepared_of(stage, deed, ["restart"])))
    await sleeping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stage.record.steps[0]["exit_status"] == 0


# What is told of an output


def heard(*pieces: bytes) -> list[str]:
    told: list[str] = []
    lines = LiveLines(told.append)
    for piece in pieces:
        lines.hear(piece)
    lines.end()
    return told


def test_a_line_that_comes_in_pieces_is_told_once_it_is_whole() -> None:
    told: list[str] = []
    lines = LiveLines(told.append)
    lines.hear(b"pulling lay")
    assert told == []
    lines.hear("er ü".encode()[:-1])
    lines.hear("er ü".encode()[-1:] + b"\n")
    assert told == ["pulling layer ü"]


def test_a_flood_is_counted_and_not_told() -> None:
    told = heard(b"x\n" * 5000)
    assert len(told) == MOST_LINES + 1
    assert told[-1] == f"… {5000 - MOST_LINES} more lines"


def test_a_flood_costs_no_more_than_counting_it() -> None:
    told: list[str] = []
    lines = LiveLines(told.append)
    for _ in range(200):
        lines.hear(b"x\n" * 100_000)
    lines.end()
    assert told[-1] == f"… {200 * 100_000 - MOST_LINES} more lines"


def test_a_line_without_an_end_costs_no_memory() -> None:
    told: list[str] = []
    lines = LiveLines(told.append)
    for _ in range(100):
        lines.hear(b"x" * 10_000)
    assert len(lines._partial) <= 8192
    assert all(len(line) <= LINE_CHARS for line in told)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_anything_may_be_printed_and_only_clean_lines_are_told(pieces: list[bytes]) -> None:
    for line in heard(*pieces):
        assert line
        assert line.isprintable()
        assert len(line) <= LINE_CHARS


@given(st.text(alphabet="ab\n", max_size=60), st.integers(1, 7))
def test_how_it_is_cut_into_pieces_does_not_matter(text: str, size: int) -> None:
    whole = text.encode()
    assert heard(whole) == heard(*(whole[at : at + size] for at in range(0, len(whole), size)))
