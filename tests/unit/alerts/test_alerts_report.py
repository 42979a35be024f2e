"""The shift's report: its figures, its Markdown to the letter, its JSON."""

import json
from dataclasses import replace
from datetime import UTC

from leptontui.alerts.care import acknowledge, acknowledgement
from leptontui.alerts.report import Shift, make_report
from leptontui.alerts.report_text import document_of, markdown_of
from leptontui.model.alert import Level, PredictionRecord
from tests.unit.alerts.life_scene import HOT, SOON, T0, XID, Life, finding, gpu


def shift() -> Shift:
    life = Life()
    hot, xid = finding(), replace(finding(XID, gpu("gpu-002")), summary="Xid 79 on [gpu-002](x) <b>|")
    life.looks(7, hot)
    life.look(hot, xid, after=60)
    known = [alert.id for alert in life.state.alerts]
    life.take(acknowledge(life.state, {known[1]: acknowledgement("anna", "rebooting", life.now)}, life.now))
    life.looks(14, xid)
    life.looks(7, hot, xid)
    life.look(hot, xid, after=600)
    life.take(acknowledge(life.state, {known[0]: acknowledgement("bea", "", life.now)}, life.now))
    life.look(hot, xid, finding(SOON, gpu("gpu-003")))
    life.looks(14, xid)
    records = (PredictionRecord(SOON, 3, 1, 2),)
    return Shift("fleet.toml", T0, T0 + 12 * 3600, tuple(life.told), life.state.alerts, records)


GOLDEN = """\
# Alerts of fleet.toml, 2027-01-15 08:00 to 2027-01-15 20:00

- Fired: 4 alerts (2 pages, 2 tickets, 0 notes), 0 of them silenced or hidden by another.
- Acknowledged: 2, after 5.0 min in the median, 10.0 min at the longest.
- By: anna 1, bea 1
- Resolved: 3. Still open: 1.
- Came back soon after they had ended: 1 time.
- Predictions of memory-soon, ever: 3 came true, 1 did not, 2 crossings were not foreseen; precision 75 %.

## Still open (1)

- ticket: Xid 79 on \\[gpu-002\\](x) \\<b\\>\\| — since 2027-01-15 08:01 (12.0 h), acknowledged by anna: rebooting

## Noise per rule

| Rule | Level | Fired | Subjects | Acknowledged | Median wait | Median duration | Flaps | Precision |
|---|---|---:|---:|---:|---:|---:|---:|---:|
| gpu-hot | page | 2 | 1 | 50 % | 10.0 min | 5.9 min | 1 | – |
| memory-soon | ticket | 1 | 1 | 0 % | – | 2 s | 0 | 75 % |
| xid | ticket | 1 | 1 | 100 % | 0 s | – | 0 | – |

## What happened

- 2027-01-15 08:00 fired: page: gpu-hot on gpu-001
- 2027-01-15 08:01 fired: ticket: Xid 79 on \\[gpu-002\\](x) \\<b\\>\\|
- 2027-01-15 08:01 acknowledged by anna: ticket: Xid 79 on \\[gpu-002\\](x) \\<b\\>\\|: rebooting
- 2027-01-15 08:01 resolved: page: gpu-hot on gpu-001
- 2027-01-15 08:01 fired: page: gpu-hot on gpu-001
- 2027-01-15 08:11 acknowledged by bea: page: gpu-hot on gpu-001
- 2027-01-15 08:11 fired: ticket: memory-soon on gpu-003
- 2027-01-15 08:12 resolved: ticket: memory-soon on gpu-003
- 2027-01-15 08:12 resolved: page: gpu-hot on gpu-001
"""


def test_the_report_reads_so() -> None:
    assert markdown_of(make_report(shift()), UTC) == GOLDEN


def test_an_empty_shift_says_so() -> None:
    text = markdown_of(make_report(Shift("fleet", T0, T0 + 60, ())), UTC)
    assert "Fired: 0 alerts" in text
    assert "nothing fired" in text


def test_the_document_is_whole_and_json() -> None:
    document = json.loads(json.dumps(document_of(make_report(shift())), allow_nan=False))
    assert document["fired"] == {"page": 2, "ticket": 2, "note": 0}
    assert document["rules"][0]["acknowledged_share"] == 0.5
    assert document["predictions"][0]["precision"] == 0.75
    assert [one["happening"] for one in document["timeline"]].count("resolved") == 3
    assert document["open"][0]["acknowledged_by"] == "anna"


def test_what_fired_before_the_shift_counts_as_ended_in_it_but_not_as_fired() -> None:
    made = shift()
    late = [one for one in made.transitions if one.at_unix_s > T0 + 20]
    report = make_report(replace(made, transitions=tuple(late)))
    assert report.fired == {Level.PAGE: 1, Level.TICKET: 2, Level.NOTE: 0}
    assert report.resolved == 3
    assert next(noise for noise in report.rules if noise.rule == HOT).fired == 1
