"""The limit on open files is raised for a large fleet, and what cannot be raised is told."""

import resource

import pytest

from leptontui.wiring.files import allow_links


class Limits:
    """This process's limits, without touching the real ones."""

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)

    def get(self, _: int) -> tuple[int, int]:
        return self.now

    def set(self, _: int, wanted: tuple[int, int]) -> None:
        self.now = wanted


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Limits:
    found = Limits(*request.param)
    monkeypatch.setattr(resource, "getrlimit", found.get)
    monkeypatch.setattr(resource, "setrlimit", found.set)
    return found


@pytest.mark.parametrize("limits", [(1024, 4096), (1024, resource.RLIM_INFINITY)], indirect=True)
def test_a_soft_limit_is_raised(limits: Limits) -> None:
    assert allow_links(2000) == ""
    assert limits.now[0] >= 2000


@pytest.mark.parametrize("limits", [(1024, 1 << 20)], indirect=True)
def test_there_is_room_for_hosts_behind_a_command(limits: Limits) -> None:
    assert allow_links(400) == ""
    assert limits.now[0] >= 4 * 400, "three pipes and a process each"


@pytest.mark.parametrize("limits", [(256, resource.RLIM_INFINITY)], indirect=True)
def test_a_system_with_a_limit_of_its_own(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(what: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > 10_240:
            raise ValueError
        limits.set(what, wanted)

    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert allow_links(5000) == ""
    assert limits.now[0] >= 5000
    assert "20000 hosts" in allow_links(20_000)


@pytest.mark.parametrize("limits", [(1024, 4096), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)], indirect=True)
def test_a_small_fleet_needs_nothing(limits: Limits) -> None:
    before = limits.now
    assert allow_links(24) == ""
    assert limits.now == before


@pytest.mark.parametrize("limits", [(256, 1024)], indirect=True)
def test_a_hard_limit_is_told(limits: Limits) -> None:
    words = allow_links(2000)
    assert "2000 hosts" in words
    assert "1024 are allowed" in words
    assert limits.now == (1024, 1024)
