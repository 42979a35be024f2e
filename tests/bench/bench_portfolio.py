"""Prints what the forecasting method costs: `python tests/bench/bench_portfolio.py [series] [forecasts of each]`."""

import sys
import time

import numpy as np

from leptontui.forecast.past import Past
from leptontui.forecast.portfolio import Portfolio

STEP_S, AHEAD, EVERY = 10.0, 90, 6


def walk(random, n):
    return np.clip(50 + np.cumsum(random.normal(0, 1, n)) * 0.5, 0, 100)


def bursts(random, n):
    return np.where(random.random(n) < 0.3, random.uniform(20, 100, n), 0.0)


def jobs(random, n):
    return np.repeat(random.uniform(0, 100, n // 50 + 1), 50)[:n] + random.normal(0, 1, n)


def season(random, n):
    return 50 + 30 * np.sin(2 * np.pi * np.arange(n) / 60) + random.normal(0, 2, n)


def constant(_random, n):
    return np.full(n, 42.0)


def bench(kind, count, times, length, is_heavy):
    random = np.random.default_rng(1)
    portfolio = Portfolio()
    portfolio.forecast(Past("warm", "up", np.arange(40.0) % 7, 400.0, STEP_S), 2)
    series = [kind(random, length + times * EVERY) for _ in range(count)]
    started = time.process_time()
    for turn in range(times):
        for number, values in enumerate(series):
            end = length + turn * EVERY
            past = Past(str(number), "bench", values[max(0, end - length) : end], end * STEP_S, STEP_S, 0.0, 100.0)
            portfolio.forecast(past, AHEAD, is_heavy=is_heavy)
    return 1000.0 * (time.process_time() - started) / (count * times)


def main():
    count, times = (int(word) for word in (*sys.argv[1:], *("10", "20")[len(sys.argv) - 1 :]))
    print(
        f"ms of CPU time for each forecast of {AHEAD} steps; {count} series, {times} forecasts each, {EVERY} steps on"
    )
    print(f"{'':10}{'180 values':>12}{'1000 values':>13}{'180, heavy':>12}")
    for kind in (walk, bursts, jobs, season, constant):
        costs = [bench(kind, count, times, *how) for how in ((180, False), (1000, False), (180, True))]
        print(f"{kind.__name__:10}{costs[0]:>12.1f}{costs[1]:>13.1f}{costs[2]:>12.1f}")


if __name__ == "__main__":
    main()
