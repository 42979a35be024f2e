"""Questions and host keys between the links and the screen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from leptontui.engine.access import Access
from leptontui.engine.questions import Questions
from leptontui.engine.thread import EngineThread
from leptontui.engine.threaded_ports import ThreadedAccess
from leptontui.errors import LeptonError
from leptontui.model.link import Fault, FaultKind, Link, LinkState, OfferedKey
from leptontui.model.question import Question, QuestionKind
from leptontui.ports import Trusted


def question(ident="passphrase /k 1", *hosts, **fields):
    return Question(ident, QuestionKind.PASSPHRASE, "/k", "Passphrase of /k", hosts=hosts, waiting=len(hosts), **fields)


async def asked(questions, *asks):
    """Ask as so many hosts do; returns their tasks once all of them wait."""
    tasks = [asyncio.ensure_future(questions.ask(ask)) for ask in asks]
    await asyncio.sleep(0)
    return tasks


async def test_one_question_for_many_hosts_and_one_answer_for_all():
    questions = Questions()
    tasks = await asked(questions, *(question("q", f"gpu-{n}") for n in range(20)), question("r", "x"))
    first, second = questions.questions()
    assert (first.id, len(first.hosts), first.waiting) == ("q", 8, 20)
    assert second.id == "r"
    questions.answer("q", "secret")
    assert await asyncio.gather(*tasks[:20]) == ["secret"] * 20
    assert [one.id for one in questions.questions()] == ["r"]
    questions.answer("r", None)
    assert await tasks[20] is None
    assert questions.questions() == ()


async def test_an_answer_that_comes_too_late_or_twice_is_ignored():
    questions = Questions()
    questions.answer("never asked", "secret")
    [task] = await asked(questions, question("q", "a"))
    questions.answer("q", "one")
    questions.answer("q", "two")
    assert await task == "one"


async def test_a_host_that_gives_up_takes_its_name_back():
    questions = Questions()
    one, two = await asked(questions, question("q", "a"), question("q", "b"))
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    assert questions.questions()[0].hosts == ("b",)
    two.cancel()
    await asyncio.gather(two, return_exceptions=True)
    assert questions.questions() == ()


async def test_a_question_asked_anew_after_its_answer_is_a_new_one():
    questions = Questions()
    [task] = await asked(questions, question("q", "a"))
    questions.answer("q", "old")
    [again] = await asked(questions, question("q", "b"))
    assert await task == "old"
    assert [one.hosts for one in questions.questions()] == [("b",)]
    questions.answer("q", "new")
    assert await again == "new"


async def test_no_answer_is_in_any_representation():
    questions = Questions()
    [task] = await asked(questions, question("q", "a"))
    entries = list(questions._open.values())
    questions.answer("q", "a secret")
    assert "a secret" not in repr(entries)
    assert await task == "a secret"


@dataclass
class Done:
    keys: int = 0
    files: tuple = ()
    skipped: tuple = ()


def unknown(name, offered=True):
    key = OfferedKey(name, "ssh-ed25519", "SHA256:x", f"ssh-ed25519 AAAA{name}", "/k") if offered else None
    return Fault(FaultKind.HOST_KEY_UNKNOWN, "unknown", "", key)


def link(host, fault):
    return Link(host, LinkState.REFUSED, 0.0, fault)


@pytest.fixture
def world():
    """Links by name, what was accepted, and who was dialled."""
    links, accepted, dialled = {}, [], []

    def access(done=None):
        async def accept(keys):
            accepted.append(list(keys))
            return done or Done(len(keys), ("/k",))

        return Access(Questions(), links=lambda: links, accept=accept, redial=dialled.append)

    return links, accepted, dialled, access


async def test_only_what_the_links_show_now_is_accepted(world):
    links, accepted, dialled, access = world
    links |= {
        "new": link("new", unknown("new")),
        "changed": link("changed", Fault(FaultKind.HOST_KEY_CHANGED, "HAS CHANGED")),
        "no file": link("no file", unknown("no file", offered=False)),
        "live": Link("live", LinkState.LIVE, 0.0),
        "not asked for": link("not asked for", unknown("not asked for")),
    }
    done = await access().trust(["new", "changed", "no file", "live", "gone", "new"])
    assert [key.name for key in accepted[0]] == ["new"]
    assert dialled == ["new"]
    assert done.keys == 1
    assert dict(done.skipped).keys() == {"changed", "no file", "live", "gone"}
    assert "never accepted" in dict(done.skipped)["changed"]


async def test_a_shared_key_is_written_once_and_all_who_wait_for_it_are_dialled(world):
    links, accepted, dialled, access = world
    links |= {name: link(name, unknown("bastion")) for name in ("a", "b", "c")}
    await access().trust(["a", "b"])
    assert len(accepted[0]) == 1
    assert dialled == ["a", "b", "c"]


async def test_a_key_that_was_not_written_dials_nobody(world):
    links, _, dialled, access = world
    links["a"] = link("a", unknown("a"))
    done = await access(Done(skipped=(("a", "another key of it is listed"),))).trust(["a"])
    assert done == Trusted(0, (), (("a", "another key of it is listed"),))
    assert dialled == []


async def test_the_screens_thread_reaches_the_engines():
    ready, told = asyncio.Event(), []
    loop = asyncio.get_running_loop()

    class Here:
        def answer(self, question_id, text):
            told.append((question_id, text))
            loop.call_soon_threadsafe(ready.set)

        async def trust(self, hosts):
            return Trusted(len(hosts), ("/k",))

    class Watch:
        commands = None
        access = Here()

        def subscribe(self, deliver):
            pass

        def look_at(self, focus):
            pass

        def redial(self, host):
            pass

        async def run(self):
            loop.call_soon_threadsafe(ready.set)
            await asyncio.Event().wait()

    thread = EngineThread(Watch, lambda words: None)
    port = ThreadedAccess(thread)
    port.answer("too early", "x")
    with pytest.raises(LeptonError, match="before the engine is up"):
        await port.trust(["a"])
    thread.start()
    async with asyncio.timeout(10):
        await ready.wait()
        ready.clear()
        port.answer("q", "secret")
        await ready.wait()
        assert told == [("q", "secret")]
        assert (await port.trust(["a", "b"])).keys == 2
    thread.stop()
