"""Xid verdicts against NVIDIA's catalogue and its two corrections."""

import pytest

from leptontui.health.xid import APPLICATION_FAULT, NEVER_LESS_THAN_CRITICAL, xid_verdict
from leptontui.model.health import Severity


def test_79_is_a_reboot():
    verdict = xid_verdict(79)
    assert verdict.label == "GPU has fallen off the bus"
    assert (verdict.action, verdict.severity, verdict.source) == ("reboot the host", Severity.CRITICAL, "NVIDIA")
    assert verdict.words() == "Xid 79 off the bus: reboot the host (NVIDIA)"
    assert verdict.words(2) == "Xid 79 off the bus ×2: reboot the host (NVIDIA)"


@pytest.mark.parametrize("code", sorted(NEVER_LESS_THAN_CRITICAL))
def test_never_less_than_critical(code):
    assert xid_verdict(code).severity is Severity.CRITICAL


@pytest.mark.parametrize("code", sorted(APPLICATION_FAULT))
def test_the_applications_fault_is_a_warning_that_asks_for_no_drain(code):
    verdict = xid_verdict(code)
    assert verdict.severity is Severity.WARNING
    assert not any(word in verdict.action for word in ("reset", "reboot", "drain"))


def test_who_decided_is_named():
    assert xid_verdict(109).source == "k8s-device-plugin"
    assert xid_verdict(31).source == "NVIDIA"
    assert xid_verdict(172).source == "no action catalogued"


@pytest.mark.parametrize(
    ("code", "severity", "action"),
    [
        (63, Severity.WELL, "ignore"),
        (106, Severity.WELL, "ignore"),
        (92, Severity.WARNING, "ignore"),
        (94, Severity.WARNING, "restart the application"),
        (64, Severity.CRITICAL, "reset the GPU"),
        (142, Severity.WARNING, "contact support"),
        (164, Severity.WARNING, "see the kernel log"),
        (100_000, Severity.WARNING, "see the kernel log"),
        (-1, Severity.WARNING, "see the kernel log"),
    ],
)
def test_verdicts(code, severity, action):
    verdict = xid_verdict(code)
    assert (verdict.severity, verdict.action) == (severity, action)


def test_the_whole_catalogue_is_there_and_fits_a_cell():
    known = [verdict for verdict in map(xid_verdict, range(1, 173)) if verdict.source != "not catalogued"]
    assert len(known) == 172
    for verdict in known:
        assert verdict.words().isprintable()
        assert verdict.action


def test_more_urgent_comes_first():
    assert sorted([31, 95, 79, 63], key=lambda code: xid_verdict(code).urgency) == [79, 95, 31, 63]
