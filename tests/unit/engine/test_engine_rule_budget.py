"""What the shipped rules raise on a fleet where nothing is wrong: nobody is woken, and hardly anything is told."""

from __future__ import annotations

from collections import Counter

from leptontui.alerts.life import step
from leptontui.alerts.life_state import LifeState
from leptontui.alerts.rules.book import load_rules
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.demo.layout import make_layout
from leptontui.demo.world import World
from leptontui.engine.publisher import Ingredients, Publisher
from leptontui.engine.roster import Roster
from leptontui.engine.rule_facts import RuleFacts
from leptontui.health.circumstances import Circumstances
from leptontui.model.alert_history import Happening
from leptontui.model.focus import Focus
from leptontui.model.link import Link, LinkState
from leptontui.model.series import ForecasterStatus
from leptontui.model.target import Fleet, HostTarget
from leptontui.store.store import Store
from leptontui.wire import Received

T0 = 1_760_000_000.0
STEP_S = 10.0
HOSTS, GPUS = 16, 4


def test_a_healthy_fleet_wakes_nobody() -> None:
    layout = make_layout(HOSTS, GPUS)
    world = World(layout, start_unix_s=T0, incidents=(), history_s=0.0)
    fleet = Fleet("calm", tuple(HostTarget(host.name, gpus=GPUS) for host in layout.hosts))
    store, roster = Store(STEP_S), Roster(fleet, T0)
    for host in layout.hosts:
        roster.update(Link(host.name, LinkState.LIVE, T0))
    publisher = Publisher(fleet, store, roster, STEP_S)
    hellos = [(host.name, world.hello(host, t_unix_s=T0, interval_s=STEP_S)) for host in layout.hosts]
    store.append([Received(name, hello, T0, 0.0) for name, hello in hellos])
    book = load_rules(None)
    evaluator, maker = Evaluator(book.rules), RuleFacts(store, None)
    state, told = LifeState(), Counter[tuple[str, str]]()
    for number in range(1, 151):
        now = T0 + number * STEP_S
        world.advance(now)
        sweeps = [(host.name, world.sweep(host, seq=number, t_unix_s=now)) for host in layout.hosts]
        store.append([Received(name, sweep, now, number * STEP_S) for name, sweep in sweeps])
        if number % 3:
            continue
        known = Circumstances(happened=store.happened())
        frames = publisher.snapshot(now, Ingredients(0, (), {}, ForecasterStatus(), Focus(), {}, known)).frames
        facts = maker.at(frames, now, evaluator.needs)
        evaluation = evaluator.evaluate(facts, [(alert.rule, alert.subject) for alert in state.alerts])
        assert not evaluation.troubles
        state, happened = step(state, evaluation, book.policies, now, longest_step_s=4 * STEP_S)
        fired = [item.alert for item in happened if item.happening is Happening.FIRED]
        told.update((alert.level.word, alert.rule) for alert in fired)
    by_level = Counter({level: sum(n for (of, _), n in told.items() if of == level) for level in ("page", "ticket")})
    assert by_level["page"] == 0, told
    assert by_level["ticket"] <= HOSTS // 8, told
