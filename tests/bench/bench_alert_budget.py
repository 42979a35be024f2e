"""Counts what the shipped rules raise on a healthy simulated fleet.

    python tests/bench/bench_alert_budget.py [--hosts 1000] [--hours 12] [--step 60] [--gpus 8] [--incidents]

The demo's physics without incidents drives a real store, health and rules, step by step and as fast as they go; time is
simulated. Predictive rules are left out: nothing is forecast here. Steps longer than 10 s leave windows of up to seven
minutes without enough values: rules on such windows say nothing then; run fewer hosts with `--step 10` for those.
Prints firings by level and rule, and what one evaluation costs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter

from leptontui.alerts.attributes import attributes_of
from leptontui.alerts.course import Course, Look, advance
from leptontui.alerts.rules.book import load_rules
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.alerts.shelf import Shared
from leptontui.demo.incidents import SCRIPT
from leptontui.demo.layout import make_layout
from leptontui.demo.world import World
from leptontui.engine.engine import Engine
from leptontui.engine.rule_facts import RuleFacts
from leptontui.model.alert_history import Happening, Transition
from leptontui.model.link import Link, LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.wire import Received

T0 = 1_760_000_000.0


class Shift:
    """A simulated fleet, an engine without sources, and the rules."""

    def __init__(self, hosts: int, gpus: int, step_s: float, *, has_incidents: bool) -> None:
        self.now, self.step_s = T0, step_s
        self.layout = make_layout(hosts, gpus)
        self.world = World(self.layout, start_unix_s=T0, incidents=SCRIPT if has_incidents else (), history_s=step_s)
        groups = {host.name: group for group, members in self.layout.groups.items() for host in members}
        targets = tuple(HostTarget(host.name, group=groups[host.name], gpus=gpus) for host in self.layout.hosts)
        self.engine = Engine(Fleet("demo", targets), [], interval_s=step_s, clock=lambda: self.now)
        self.snapshots: list[FleetSnapshot] = []
        self.engine.subscribe(lambda snapshot: self.snapshots.__setitem__(slice(None), [snapshot]))
        rules = load_rules(None)
        self.policies, self.evaluator = rules.policies, Evaluator(rules.rules)
        self.facts = RuleFacts(self.engine.store, None, targets=lambda: self.engine.roster.targets)
        self.course = Course()
        self.told: list[Transition] = []
        self.costs: dict[str, list[float]] = {"publish": [], "facts": [], "rules": [], "life": []}
        self.troubles: set[str] = set()
        for host in self.layout.hosts:
            self.engine.link_changed(Link(host.name, LinkState.LIVE, T0))
        hellos = {host.name: self.world.hello(host, t_unix_s=T0, interval_s=step_s) for host in self.layout.hosts}
        self.engine._take([Received(name, hello, T0, 0.0) for name, hello in hellos.items()])

    def step(self, seq: int) -> None:
        """One sweep of every host, one evaluation."""
        self.now = T0 + seq * self.step_s
        batch = []
        for happened in self.world.advance(self.now):
            if happened.event is not None:
                batch.append(Received(happened.host.name, happened.event, self.now, seq * self.step_s))
            if happened.is_up is not None:
                state = LinkState.LIVE if happened.is_up else LinkState.LOST
                self.engine.link_changed(Link(happened.host.name, state, self.now))
        batch += [
            Received(host.name, self.world.sweep(host, seq=seq, t_unix_s=self.now), self.now, seq * self.step_s)
            for host in self.layout.hosts
            if self.world.is_up(host)
        ]
        self.engine._take(batch)
        self._timed("publish", self.engine._publish)
        self._evaluate(self.snapshots[0])

    def _evaluate(self, snapshot: FleetSnapshot) -> None:
        facts = self._timed("facts", lambda: self.facts.at(snapshot.frames, self.now, self.evaluator.needs))
        asked = [(alert.rule, alert.subject) for alert in self.course.state.alerts]
        evaluation = self._timed("rules", lambda: self.evaluator.evaluate(facts, asked))
        self.troubles.update(evaluation.troubles)

        def live() -> tuple[Course, tuple[Transition, ...]]:
            frames = snapshot.frames
            attributes = attributes_of(snapshot.targets, snapshot.links, frames.hosts, frames.gpus)
            look = Look(self.now, evaluation, self.policies, attributes, Shared(), 1.5 * self.step_s)
            return advance(self.course, look, snapshot.targets.__contains__)

        self.course, transitions = self._timed("life", live)
        self.told += [one for one in transitions if one.happening is Happening.FIRED]

    def _timed(self, what, call):
        began = time.perf_counter()
        found = call()
        self.costs[what].append(1000 * (time.perf_counter() - began))
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--hours", type=float, default=12.0)
    parser.add_argument("--step", type=float, default=60.0)
    parser.add_argument("--incidents", action="store_true", help="the demo's incidents, to see that there are alerts")
    given = parser.parse_args()
    began = time.perf_counter()
    shift = Shift(given.hosts, given.gpus, given.step, has_incidents=given.incidents)
    steps = round(given.hours * 3600 / given.step)
    for seq in range(1, steps + 1):
        shift.step(seq)
        if seq in {3, steps // 4, steps // 2, 3 * steps // 4}:
            print(f"  after {seq * given.step / 3600:.1f} h: {report(shift)}", flush=True)
    took = time.perf_counter() - began
    print(
        f"{given.hosts} hosts × {given.gpus} GPUs, {given.hours:g} h in steps of {given.step:g} s ({took:.0f} s taken)"
    )
    print(f"fired: {report(shift)}")
    for (level, rule), count in Counter((one.alert.level.word, one.alert.rule) for one in shift.told).most_common():
        sample = next(one.alert.summary for one in shift.told if one.alert.rule == rule)
        print(f"  {count:6} {level:6} {rule}: e.g. {sample}")
    for what, costs in shift.costs.items():
        print(f"{what}: median {statistics.median(costs):.1f} ms, worst {max(costs):.1f} ms")
    for trouble in sorted(shift.troubles):
        print(f"trouble: {trouble}")


def report(shift: Shift) -> str:
    counts = Counter(one.alert.level.word for one in shift.told)
    groups = len(shift.course.board.groups)
    return f"{counts['page']} pages, {counts['ticket']} tickets, {counts['note']} notes; {groups} groups on the board"


if __name__ == "__main__":
    main()
