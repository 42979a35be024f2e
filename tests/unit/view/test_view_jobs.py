"""The job view: what belongs to one job over all hosts, by processes or else by the GPUs' own words."""

from dataclasses import replace

import polars as pl
import pytest
from fleets import GIB, gpu_row, gpu_uuid, host_row, make_snapshot
from rich_fleet import rich_fleet

from leptontui.model.health import Severity
from leptontui.view.arrange import arrange
from leptontui.view.job_rows import JobKind, JobSort, filter_of
from leptontui.view.jobs import JOB_LIMIT, job_page
from leptontui.view.state import ViewState


def jobs_of(snapshot, sort=JobSort.WORST):
    return {row.name: row for row in job_page(snapshot, sort).rows}


def test_a_job_gathers_its_gpus_over_all_hosts():
    job = jobs_of(rich_fleet())["8812"]
    assert (job.kind, job.users, job.gpus, job.hosts_total) == (JobKind.JOB, ("anna",), 31, 4)
    assert job.hosts == ("gpu-001", "gpu-003", "gpu-004", "gpu-006")
    assert job.hosts_blind == 1, "gpu-006 is lost"
    assert job.severity is Severity.CRITICAL
    assert job.finding == "gpu-001 GPU 3: row remap pending: reset the GPU +2"


def test_pods_instances_and_users_are_jobs_too():
    jobs = jobs_of(rich_fleet())
    assert (jobs["serving/vllm-7c9d-x2"].kind, jobs["serving/vllm-7c9d-x2"].gpus) == (JobKind.POD, 7)
    assert (jobs["eve"].kind, jobs["eve"].gpus) == (JobKind.USER, 2), "two MIG instances"
    assert (jobs["bob"].kind, jobs["bob"].gpus) == (JobKind.USER, 8)


@pytest.mark.parametrize("name", ["8812", "serving/vllm-7c9d-x2", "eve", "bob"])
def test_the_filter_of_a_job_shows_exactly_its_gpus(name):
    snapshot = rich_fleet()
    job = jobs_of(snapshot)[name]
    arrangement = arrange(snapshot, ViewState(filter=job.filter))
    assert arrangement.error == ""
    assert arrangement.shown == job.gpus


def test_a_name_that_the_filter_cannot_hold_is_matched_all_the_same():
    assert filter_of(JobKind.CONTAINER, 'a "b", c') == "container:a??b???c"


def test_mean_least_memory_and_power_are_of_what_is_known():
    gpus = [
        gpu_row("a", 0, util_pct=90.0, power_w=600.0, memory_used_bytes=10 * GIB),
        gpu_row("a", 1, util_pct=10.0, power_w=None, memory_used_bytes=None),
        gpu_row("b", 0, util_pct=70.0, power_w=100.0, link="lost", memory_used_bytes=5 * GIB),
    ]
    job = jobs_of(make_snapshot([host_row("a"), host_row("b", link="lost")], gpus))["8812"]
    assert (job.util_pct, job.util_min_pct) == (50.0, 10.0), "what is lost does not count"
    assert job.power_w == 700.0
    assert job.memory_used_bytes == 15 * GIB


def test_what_nobody_tells_is_none():
    gpus = [gpu_row("a", 0, util_pct=None, power_w=None, memory_used_bytes=None)]
    job = jobs_of(make_snapshot([host_row("a")], gpus))["8812"]
    assert (job.util_pct, job.util_min_pct, job.power_w, job.memory_used_bytes) == (None, None, None, None)


def test_two_jobs_on_one_gpu_are_two_jobs_with_their_own_memory():
    uuid = gpu_uuid("a", 0)
    processes = [
        {"host": "a", "uuid": uuid, "pid": 1, "job": "1", "user": "x", "memory_used_bytes": GIB},
        {"host": "a", "uuid": uuid, "pid": 2, "job": "2", "user": "y", "memory_used_bytes": 2 * GIB},
        {"host": "a", "uuid": uuid, "pid": 3, "job": "2", "user": "z", "memory_used_bytes": 4 * GIB},
    ]
    jobs = jobs_of(make_snapshot([host_row("a")], [gpu_row("a", 0)], processes=processes))
    assert jobs["1"].memory_used_bytes == GIB
    assert (jobs["2"].memory_used_bytes, jobs["2"].users) == (6 * GIB, ("y", "z"))


def test_orders():
    gpus = [gpu_row("a", 0, job="1", util_pct=50.0), *(gpu_row("a", i, job="2", util_pct=99.0) for i in (1, 2))]
    snapshot = make_snapshot([host_row("a")], gpus)

    def order(sort):
        return [row.name for row in job_page(snapshot, sort).rows]

    assert order(JobSort.GPUS) == ["2", "1"]
    assert order(JobSort.LEAST) == ["1", "2"]
    assert order(JobSort.UTIL) == ["2", "1"]
    assert order(JobSort.NAME) == ["1", "2"]


def test_an_empty_fleet_has_no_jobs():
    page = job_page(make_snapshot([host_row("a")], []))
    assert (page.rows, page.total, page.gpus_used, page.gpus_total) == ((), 0, 0, 0)


def test_so_many_are_listed_and_all_are_counted():
    gpus = [gpu_row("a", i, job=str(i)) for i in range(JOB_LIMIT + 5)]
    page = job_page(make_snapshot([host_row("a")], gpus))
    assert (len(page.rows), page.total) == (JOB_LIMIT, JOB_LIMIT + 5)


def test_frames_without_any_of_the_columns_are_taken():
    snapshot = make_snapshot([host_row("a")], [gpu_row("a", 0, job="1")])
    bare = replace(snapshot.frames, processes=pl.DataFrame({"host": []}, schema={"host": pl.String}))
    assert list(jobs_of(replace(snapshot, frames=bare))) == ["1"]


def test_hostile_names_are_texts():
    evil = "\x1b[31mred\x07[bold]x"
    job = job_page(make_snapshot([host_row("a")], [gpu_row("a", 0, job=evil, user=evil)])).rows[0]
    assert job.name.isprintable()
    assert "[bold]x" in job.name
    assert all(user.isprintable() for user in job.users)
