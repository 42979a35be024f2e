"""Events: one host's flood does not push out what others said, and nothing a host says about time is taken on trust."""

import pytest

from leptontui.engine.events import EVENTS_KEPT, EVENTS_OF_A_HOST, EventLog, event_of
from leptontui.health.events import gpu_events
from leptontui.health.xid import xid_verdict
from leptontui.model.health import HostEvent
from leptontui.wire import Event, Received


def said(event: Event, host: str = "a", offset_s: float = 0.0) -> HostEvent:
    return event_of(Received(host, event, 1000.0, 5.0), event, offset_s)


def test_a_flood_of_one_host_leaves_the_events_of_others() -> None:
    log = EventLog()
    xid = said(Event(1, 1.0, "xid", "G0", 79, "off the bus"), host="quiet")
    log.add(xid)
    for number in range(3 * EVENTS_KEPT):
        log.add(said(Event(1, 2.0, "noise", text=str(number)), host="loud"))
    assert log.newest[0] == xid
    assert [event.text for event in log.newest[1:]] == [
        str(number) for number in range(3 * EVENTS_KEPT - EVENTS_OF_A_HOST, 3 * EVENTS_KEPT)
    ]


def test_all_hosts_together_are_bounded() -> None:
    log = EventLog()
    for number in range(2 * EVENTS_KEPT):
        log.add(said(Event(1, 2.0, "noise"), host=f"h{number}"))
    assert len(log.newest) == EVENTS_KEPT
    assert log.newest[-1].host == f"h{2 * EVENTS_KEPT - 1}"


@pytest.mark.parametrize(
    ("t_unix_s", "offset_s", "taken"),
    [
        (990.0, 0.0, 990.0),
        (4590.0, 3600.0, 990.0),
        (1e308, 0.0, 1000.0),
        (1e308, -1e308, 1000.0),
        (-1e308, 1e308, 0.0),
    ],
)
def test_an_event_is_never_of_the_future(t_unix_s: float, offset_s: float, taken: float) -> None:
    assert said(Event(1, t_unix_s, "xid"), offset_s=offset_s).t_unix_s == taken


@pytest.mark.parametrize(("code", "taken"), [(79, 79), (-1, None), (10**400, None), (None, None)])
def test_an_absurd_code_is_none(code: int | None, taken: int | None) -> None:
    assert said(Event(1, 1.0, "xid", "G0", code)).code == taken


def test_a_uuid_is_cleaned_as_everywhere() -> None:
    event = said(Event(1, 1.0, "xid", "G\x1b[31m0" + "x" * 10_000, 79))
    assert event.gpu_uuid is not None
    assert event.gpu_uuid.isprintable()
    assert len(event.gpu_uuid) <= 200


def test_invented_xids_are_not_remembered_for_ever() -> None:
    for code in range(10_000, 12_000):
        gpu_events([said(Event(1, 1.0, "xid", "G0", code))])
    assert xid_verdict.cache_info().currsize <= 1024
