"""Metrics pages as services print them, and any garbage: samples, rates and quantiles, bounded."""

import json
import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.text import plain
from leptontui.probe import promtext
from leptontui.probe.known_series import KNOWN
from leptontui.probe.promtext import Page, parse_sample, series_name
from leptontui.probe.series import Series, pattern_of, quantile
from leptontui.store import bounds

VLLM = b"""# HELP python_gc_objects_collected_total Objects collected during gc
# TYPE python_gc_objects_collected_total counter
python_gc_objects_collected_total{generation="0"} 9839.0
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="meta-llama/Llama-3.1-8B"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="meta-llama/Llama-3.1-8B"} 12.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="meta-llama/Llama-3.1-8B"} 0.83
# TYPE vllm:request_success_total counter
vllm:request_success_total{engine="0",finished_reason="stop",model_name="meta-llama/Llama-3.1-8B"} %d
# TYPE vllm:request_success_created gauge
vllm:request_success_created{engine="0",finished_reason="stop",model_name="meta-llama/Llama-3.1-8B"} 1.758e+09
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.1",model_name="meta-llama/Llama-3.1-8B"} %d
vllm:time_to_first_token_seconds_bucket{engine="0",le="0.5",model_name="meta-llama/Llama-3.1-8B"} %d
vllm:time_to_first_token_seconds_bucket{engine="0",le="+Inf",model_name="meta-llama/Llama-3.1-8B"} %d
vllm:time_to_first_token_seconds_count{engine="0",model_name="meta-llama/Llama-3.1-8B"} %d
vllm:time_to_first_token_seconds_sum{engine="0",model_name="meta-llama/Llama-3.1-8B"} 6.5
"""
TRITON = b"""# HELP nv_inference_request_success Number of successful inference requests, all batch sizes
# TYPE nv_inference_request_success counter
nv_inference_request_success{model="resnet",version="1"} 120.000000
# TYPE nv_inference_request_failure counter
nv_inference_request_failure{model="resnet",reason="REJECTED",version="1"} 0.000000
# TYPE nv_inference_pending_request_count gauge
nv_inference_pending_request_count{model="resnet",version="1"} 4.000000
# TYPE nv_inference_request_summary_us summary
nv_inference_request_summary_us_count{model="resnet",version="1"} 161
nv_inference_request_summary_us_sum{model="resnet",version="1"} 11110
nv_inference_request_summary_us{model="resnet",version="1",quantile="0.95"} 90
"""
DCGM = b"""# HELP DCGM_FI_DEV_GPU_UTIL GPU utilization (in %).
# TYPE DCGM_FI_DEV_GPU_UTIL gauge
DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",pci_bus_id="00000000:3B:00.0",device="nvidia0",modelName="NVIDIA H100"} 87
# TYPE DCGM_FI_DEV_MEMORY_TEMP gauge
DCGM_FI_DEV_MEMORY_TEMP{gpu="0",UUID="GPU-1"} 9223372036854775794
"""
OPEN_METRICS = b"""# TYPE http_requests counter
# UNIT http_requests requests
http_requests_total{code="200"} 10 1700000000.123 # {trace_id="abc"} 0.5 1700000000.000
http_requests_created{code="200"} 1.7e9
# TYPE node_load1 gauge
node_load1 0.25 1700000000
# EOF
"""


def page_of(content, **options):
    page = Page(**options)
    page.feed(content)
    page.finish()
    return page


def wanted(series, content):
    return page_of(content, is_wanted=series.is_wanted)


def reduce(series, content, now):
    page = wanted(series, content)
    assert not page.bad
    return {row["series"]: row for row in series.reduce(page.samples, page.types, now)}


def test_a_page_of_vllm_gives_the_known_series_rates_and_quantiles():
    series = Series("vllm", KNOWN)
    model = 'engine="0",model_name="meta-llama/Llama-3.1-8B"'
    success = 'vllm:request_success_total{engine="0",finished_reason="stop",model_name="meta-llama/Llama-3.1-8B"}'
    first = reduce(series, VLLM % (100, 10, 20, 30, 30), 1000.0)
    assert len(first) == 7
    assert first[f"vllm:num_requests_running{{{model}}}"] == {
        "source": "vllm",
        "series": f"vllm:num_requests_running{{{model}}}",
        "value": 3.0,
        "kind": "gauge",
    }
    # Nothing has happened yet that is known of.
    assert first[success]["value"] is None
    later = reduce(series, VLLM % (150, 10, 30, 30, 30), 1010.0)
    assert later[success] == {"source": "vllm", "series": success, "value": 5.0, "kind": "counter", "unit": "/s"}
    # Since then: none below 0.1 s, ten below 0.5.
    median = later[f'vllm:time_to_first_token_seconds{{{model},quantile="0.5"}}']
    assert median["value"] == pytest.approx(0.3)
    assert median["unit"] == "s"
    assert later[f'vllm:time_to_first_token_seconds{{{model},quantile="0.99"}}']["value"] == pytest.approx(0.496)


def test_a_counter_that_begins_anew_is_not_a_negative_rate():
    series = Series("vllm", ["vllm:*"])
    for now, count, rate in ((0.0, 100, None), (10.0, 5, None), (20.0, 25, 2.0), (20.0, 25, None), (30.0, 25, 0.0)):
        rows = reduce(series, VLLM % (count, count, count, count, count), now)
        assert [row["value"] for name, row in rows.items() if name.startswith("vllm:request_success_total")] == [rate]
    assert all(row["value"] is None or row["value"] >= 0 for row in rows.values())


def test_a_page_of_triton():
    rows = reduce(Series("triton", KNOWN), TRITON, 0.0)
    assert rows['nv_inference_pending_request_count{model="resnet",version="1"}']["value"] == 4.0
    assert rows['nv_inference_request_summary_us{model="resnet",version="1",quantile="0.95"}']["value"] == 90.0
    assert rows['nv_inference_request_failure{model="resnet",reason="REJECTED",version="1"}']["kind"] == "counter"
    assert not any(name.startswith(("nv_inference_request_summary_us_", "python")) for name in rows)


def test_what_dcgm_does_not_know_is_null():
    rows = reduce(Series("dcgm", KNOWN), DCGM, 0.0)
    assert {name.partition("{")[0]: row["value"] for name, row in rows.items()} == {
        "DCGM_FI_DEV_GPU_UTIL": 87.0,
        "DCGM_FI_DEV_MEMORY_TEMP": None,
    }


def test_open_metrics_with_timestamps_exemplars_and_an_end():
    series = Series("x", ["http_requests_total", "node_load1"])
    reduce(series, OPEN_METRICS, 0.0)
    rows = reduce(series, OPEN_METRICS.replace(b"} 10 ", b"} 16 "), 3.0)
    assert {name: row["value"] for name, row in rows.items()} == {
        'http_requests_total{code="200"}': 2.0,
        "node_load1": 0.25,
    }


def test_series_are_asked_for_by_name_by_pattern_and_by_label():
    page = b'a_total{x="1"} 1\na_total{x="2"} 2\nb 3\nab 4\n'
    for globs, names in (
        (["b"], ["b"]),
        (["a*"], ['a_total{x="1"}', 'a_total{x="2"}', "ab"]),
        (['a_total{x="2"}'], ['a_total{x="2"}']),
        (['a_total{x="?"}', "b"], ['a_total{x="1"}', 'a_total{x="2"}', "b"]),
        (["."], []),
        (["a.*"], []),
    ):
        assert sorted(reduce(Series("s", globs), page, 0.0)) == names


@pytest.mark.parametrize(
    ("line", "sample"),
    [
        ("up 1", ("up", (), 1.0)),
        ("up\t1 1700000000000", ("up", (), 1.0)),
        ('up{ a = "b" , c="d", } 1', ("up", (("a", "b"), ("c", "d")), 1.0)),
        ("up{} 1", ("up", (), 1.0)),
        (r'up{p="C:\\x\"y\"\nz"} 1', ("up", (("p", 'C:\\x"y"\nz'),), 1.0)),
        ('up{a="}, {"} -1.5e-3', ("up", (("a", "}, {"),), -0.0015)),
        ("up +Inf", ("up", (), math.inf)),
        ('up{a="b"}5', ("up", (("a", "b"),), 5.0)),
        ("up", None),
        ("up x", None),
        ("up 1_000", None),
        ("up 1 x", None),
        ("1up 1", None),
        ('up{a="b} 1', None),
        ("up{a=b} 1", None),
        ('up{a="b" c="d"} 1', None),
        ("<html>", None),
    ],
)
def test_lines(line, sample):
    assert parse_sample(line) == sample


def test_nan_is_a_sample_and_null_on_the_wire():
    assert math.isnan(parse_sample("up NaN")[2])
    series = Series("s")
    assert [row["value"] for row in reduce(series, b"a NaN\nb +Inf\nc -Inf\n", 0.0).values()] == [None] * 3


NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,20}", fullmatch=True)
LABELS = st.dictionaries(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True), st.text(max_size=12), max_size=4)
VALUES = st.floats(allow_nan=False)


@given(name=NAMES, labels=LABELS, value=VALUES, cuts=st.lists(st.integers(1, 9), max_size=40))
def test_what_is_printed_is_read_again_however_it_arrives(name, labels, value, cuts):
    inner = ",".join(
        key + '="' + text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'
        for key, text in labels.items()
    )
    content = f"{name}{{{inner}}} {value!r}\n".encode("utf-8", "surrogatepass")
    page = Page()
    for cut in cuts:
        page.feed(content[:cut])
        content = content[cut:]
    page.feed(content)
    page.finish()
    assert page.bad == 0
    texts = {key: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for key, text in labels.items()}
    assert page.samples == [(name, tuple(texts.items()), value)]


PIECES = st.sampled_from(
    b'a_bucket a_total {le="1"} {le="+Inf"} {le="x"} {le=" {x=y} 1 NaN 1e999 # TYPE a histogram counter'
    b' \n \r\n \\ " , = \xff \x1b[31m [bold] {'.split(b" ")
)
GARBAGE = st.one_of(
    st.binary(max_size=500),
    st.lists(PIECES, max_size=80).flatmap(
        lambda words: st.sampled_from([b" ", b"\n", b""]).map(lambda gap: gap.join(words))
    ),
)


@given(content=GARBAGE, later=GARBAGE)
def test_garbage_is_strict_json_printable_and_never_an_exception(content, later):
    series = Series("s", ["a*", '*{x="*"}'])
    for now, what in enumerate((content, later)):
        page = wanted(series, what)
        rows = series.reduce(page.samples, page.types, float(now))
        json.dumps(rows, allow_nan=False)
        assert all(row["series"].isprintable() and len(row["series"]) <= promtext.LONGEST_SERIES for row in rows)
        assert page.example is None or page.example.isprintable()


@given(
    bounds=st.lists(st.floats(0.001, 1e6), min_size=1, max_size=12, unique=True).map(sorted),
    counts=st.lists(st.integers(0, 1000), min_size=13, max_size=13),
    shares=st.lists(st.sampled_from([0.5, 0.95, 0.99]), min_size=2, max_size=2).map(sorted),
)
def test_quantiles_lie_within_the_bounds_and_rise(bounds, counts, shares):
    total, buckets = 0, []
    for bound, count in zip([*bounds, math.inf], counts, strict=False):
        total += count
        buckets.append((bound, float(total)))
    found = [quantile(share, buckets) for share in shares]
    if not total:
        assert found == [None, None]
        return
    assert 0.0 <= found[0] <= found[1] <= bounds[-1]


def test_quantiles_as_prometheus_tells_them():
    # histogram_quantile's own tests (promql/testdata/histograms.test): 1, 3 and 4 observations in 0.1, 0.2 and +Inf.
    buckets = [(0.1, 1.0), (0.2, 3.0), (math.inf, 4.0)]
    assert quantile(0.5, buckets) == pytest.approx(0.15)
    assert quantile(0.1, buckets) == pytest.approx(0.04)
    assert quantile(0.99, buckets) == 0.2
    assert quantile(0.5, [(0.1, 1.0)]) is None
    assert quantile(0.5, [(math.inf, 1.0)]) is None


def test_a_histogram_whose_buckets_changed_is_another():
    series = Series("s", ["h"])
    content = b'h_bucket{le="1"} %d\nh_bucket{le="+Inf"} %d\n'
    other = b'h_bucket{le="2"} %d\nh_bucket{le="+Inf"} %d\n'
    reduce(series, content % (1, 1), 0.0)
    assert all(row["value"] is None for row in reduce(series, other % (5, 5), 1.0).values())
    assert all(row["value"] is not None for row in reduce(series, other % (9, 9), 2.0).values())


def test_a_histogram_that_began_anew_has_no_quantiles_until_the_next_reading():
    series = Series("s", ["h"])
    content = b'h_bucket{le="1"} %d\nh_bucket{le="+Inf"} %d\n'
    reduce(series, content % (5, 5), 0.0)
    assert all(row["value"] is None for row in reduce(series, content % (1, 9), 1.0).values())
    assert all(row["value"] is not None for row in reduce(series, content % (2, 10), 2.0).values())


def test_what_a_page_says_is_bounded():
    series = Series("s", ["a*"], most=10)
    page = Page(series.is_wanted, most=50)
    page.feed(b"".join(b'a{x="%d"} 1\n' % number for number in range(1000)))
    page.finish()
    assert len(page.samples) == 50
    assert page.is_cut
    assert len(series.reduce(page.samples, page.types, 0.0)) == 10
    assert series.is_cut


def test_an_endless_line_is_one_bad_line_and_takes_no_memory():
    page = Page()
    for _ in range(100):
        page.feed(b"a" * 65536)
        assert len(page._rest) <= 2 * promtext.LONGEST_LINE
    page.feed(b" 1\nb 2\n")
    page.finish()
    assert page.bad == 1
    assert page.samples == [("b", (), 2.0)]


def test_a_name_that_is_too_long_is_left_out_and_counted():
    assert series_name("a" * 200, ()) == "a" * 200
    assert series_name("a" * 201, ()) is None
    series = Series("s")
    assert reduce(series, b"a" * 201 + b" 1\nb 2\n", 0.0).keys() == {"b"}
    assert series.unnamed == 1


def test_long_labels_are_shortened_in_the_middle_and_quantiles_stay_apart():
    model = "/lustre/" + "deep/" * 60 + "checkpoint-9000"
    content = (
        f'h_bucket{{model="{model}",le="1"}} 1\nh_bucket{{model="{model}",le="+Inf"}} 1\nc_total{{model="{model}"}} 5\n'
    )
    series = Series("s", ["h", f'c_total{{model="{model}"}}'])
    reduce(series, content.encode(), 0.0)
    rows = reduce(series, content.replace("} 5", "} 7").encode(), 1.0)
    assert len(rows) == 4
    assert all(len(name) <= promtext.LONGEST_SERIES and "checkpoint-9000" in name for name in rows)
    assert [row["value"] for name, row in rows.items() if name.startswith("c_")] == [2.0]
    assert series_name("a", (("b", "\U0001f600" * 40),)) is not None


def test_names_are_as_long_as_the_program_keeps_them():
    assert plain("a" * promtext.LONGEST_SERIES, bounds._TEXT_LIMIT) == "a" * promtext.LONGEST_SERIES


def test_a_label_without_a_value_is_as_if_it_were_not_there():
    assert series_name("a", (("pod", ""), ("gpu", "0"))) == 'a{gpu="0"}'
    assert series_name("a", (("pod", ""),)) == "a"


def test_patterns_mean_what_shells_mean_by_star_and_question_mark_only():
    assert pattern_of([]).match("") is None
    assert pattern_of(["a+"]).match("a+")
    assert not pattern_of(["a+"]).match("aa")
    assert not pattern_of(["[ab]"]).match("a")
    assert not pattern_of(["a"]).match("a\n")
    assert set(string.printable) - {c for c in string.printable if pattern_of(["?"]).match(c)} == set()
