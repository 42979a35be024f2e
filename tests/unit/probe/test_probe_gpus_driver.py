"""The driver in its thread: what hangs is told and left out, all else goes on, and details come at their cadence."""

import time
from itertools import pairwise

import pytest

from leptontui.probe.details import INFOROM_S, PERIOD_S
from leptontui.probe.driver import Driver
from leptontui.probe.gpus import Gpus

FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000000-0000-0000-0000-000000000001"
LIMIT_S = 0.5
WAIT_S = 30.0


class Seen:
    """A driver that is asked again and again, as by the loop, and what it said."""

    def __init__(self, driver):
        self.driver = driver
        self.events = []
        self.details = []
        self.rounds = []
        self.readings = []

    def ask(self):
        self.driver.ask()
        self.driver.join(WAIT_S)
        self.events += self.driver.events()
        self.readings, _ = self.driver.readings()
        self.rounds.append(([reading["uuid"] for reading in self.readings], self.driver.is_hung))
        self.details += self.driver.details()
        return self.readings

    def until(self, wanted):
        """Ask until `wanted(self)`, for as long as anything takes on a busy machine."""
        until = time.monotonic() + WAIT_S
        while not wanted(self):
            assert time.monotonic() < until, (self.events, self.rounds[-3:])
            self.ask()

    def names(self):
        return [name for name, _, _, _ in self.events]


@pytest.fixture
def seen(gpus, nvml):
    """Two GPUs that answer."""
    seen = Seen(Driver(gpus=Gpus(nvml, listens=True), limit_s=LIMIT_S))
    seen.until(lambda seen: seen.rounds and seen.rounds[-1][0] == [FIRST, SECOND])
    yield seen
    gpus.set(count=2)
    seen.until(lambda seen: not seen.driver.is_hung)


def test_a_gpu_whose_calls_hang_is_told_and_left_out_and_the_other_goes_on(seen, gpus):
    gpus.set(count=2, gpu0_hang=1, gpu1_temp=77)
    seen.until(lambda seen: "driver-hung" in seen.names())
    assert seen.driver.is_hung
    seen.until(lambda seen: seen.rounds[-1] == ([SECOND], True))
    (reading,) = seen.readings
    assert reading["temp_c"] == 77
    event = next(event for event in seen.events if event[0] == "driver-hung")
    assert event == ("driver-hung", "GPU 0: the NVIDIA driver has not answered for 0.5 s", None, None)
    assert seen.driver.gaps()["gpu"] == "GPU 0: the NVIDIA driver has not answered for 0.5 s"
    gpus.set(count=2, gpu1_temp=78)
    seen.until(lambda seen: "driver-answers" in seen.names() and seen.rounds[-1] == ([FIRST, SECOND], False))
    assert seen.names().count("driver-hung") == 1
    assert "gpu" not in seen.driver.gaps()
    assert "gpu-lost" not in seen.names()


def test_while_the_driver_hangs_no_reading_is_claimed(seen, gpus):
    gpus.set(count=2, hang=1)
    mark = len(seen.rounds)
    seen.until(lambda seen: "driver-hung" in seen.names())
    assert all(is_hung for _, is_hung in seen.rounds[mark:])
    seen.until(lambda seen: seen.driver.gaps().get("gpu") == "the NVIDIA driver has not answered for 0.5 s")
    assert seen.ask() == []
    assert len(seen.driver.identities) == 2
    gpus.set(count=2)
    seen.until(lambda seen: seen.rounds[-1] == ([FIRST, SECOND], False))
    assert "gpu-lost" not in seen.names()


def test_one_call_that_hangs_is_enough(seen, gpus):
    gpus.set(count=2, gpu1_power="hang")
    seen.until(lambda seen: "driver-hung" in seen.names())
    seen.until(lambda seen: seen.rounds[-1] == ([FIRST], True))


def test_a_driver_that_hangs_before_it_is_loaded_is_told(gpus, nvml):
    gpus.set(count=2, hang=1)
    seen = Seen(Driver(gpus=Gpus(nvml), limit_s=LIMIT_S))
    seen.until(lambda seen: "driver-hung" in seen.names())
    assert seen.driver.is_hung
    assert seen.driver.identities == []
    assert seen.driver.gaps() == {"gpu": "the NVIDIA driver has not answered for 0.5 s"}
    gpus.set(count=2)
    seen.until(lambda seen: seen.rounds[-1] == ([FIRST, SECOND], False))


def test_more_gpus_that_hang_than_threads_are_left_behind(gpus, nvml):
    gpus.set(count=12)
    seen = Seen(Driver(gpus=Gpus(nvml), limit_s=LIMIT_S))
    seen.until(lambda seen: seen.rounds and len(seen.rounds[-1][0]) == 12)
    gpus.set(count=12, hang=1)
    seen.until(lambda seen: "driver-hung" in seen.names())
    assert seen.ask() == []
    gpus.set(count=12)
    seen.until(lambda seen: len(seen.rounds[-1][0]) == 12)
    assert not seen.driver.is_hung


def test_a_lost_gpu_is_one_event_and_absent(seen, gpus):
    gpus.set(count=2, gpu1_lost=1)
    seen.until(lambda seen: "gpu-lost" in seen.names())
    assert [reading["uuid"] for reading in seen.ask()] == [FIRST]
    assert not seen.driver.is_hung
    assert seen.events == [("gpu-lost", "GPU 1: GPU is lost", SECOND, None)]
    assert [identity["uuid"] for identity in seen.driver.identities] == [FIRST, SECOND]


def test_xids_are_events_with_their_gpu(seen, gpus):
    seen.ask()
    gpus.set(count=2, gpu1_xid=79)
    seen.until(lambda seen: "xid" in seen.names())
    assert seen.events == [("xid", "Xid 79, as the driver tells; the kernel's log says more", SECOND, 79)]


def test_details_are_told_once(seen):
    assert [row["uuid"] for row in seen.details] == [FIRST, SECOND]
    assert seen.driver.details() == []


def test_it_wakes_who_waits(gpus, nvml):
    woken = []
    driver = Driver(lambda: woken.append(1), Gpus(nvml), LIMIT_S)
    driver.ask()
    driver.join(WAIT_S)
    assert woken


def test_it_can_be_let_go_of_and_is_taken_up_again(seen):
    seen.driver.release(0.2)
    assert seen.driver.gaps()["gpu"] == "let go for now, so that a GPU can be reset"
    assert seen.ask() == []
    assert "gpu-lost" not in seen.names()
    seen.until(lambda seen: seen.rounds[-1] == ([FIRST, SECOND], False))


def test_details_come_every_ten_seconds_and_never_of_two_gpus_at_once(gpus, nvml, sweep):
    gpus.set(count=8)
    host = Gpus(nvml)
    told = {}
    inforom = gpus.asked("inforom")
    sizes = []
    for second in range(100):
        sweep(host, 1000.0 + second)
        sizes.append(len(sweep.details))
        for row in sweep.details:
            told.setdefault(row["uuid"], []).append(second)
    # The first sweep brings what there is to know.
    assert sizes[0] == 8
    assert set(sizes[1:]) == {0, 1}
    for seconds in told.values():
        pauses = [later - sooner for sooner, later in pairwise(seconds)]
        assert pauses[0] < 2 * PERIOD_S
        assert set(pauses[1:]) == {int(PERIOD_S)}
    assert gpus.asked("inforom") == inforom + 8
    assert INFOROM_S > 100.0


def test_modes_are_asked_for_every_minute_and_said_with_all_details(gpus, nvml, sweep):
    gpus.set(count=1)
    host = Gpus(nvml)
    before = gpus.asked("persistence")
    said = []
    for second in range(0, 130, 10):
        sweep(host, 1000.0 + second)
        said += [row["is_persistent"] for row in sweep.details]
    assert said == [True] * 13
    assert gpus.asked("persistence") == before + 3
