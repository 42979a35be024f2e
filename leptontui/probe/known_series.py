"""The series kept of a metrics page where the inventory names none: those that tell how a service is doing."""

# Names as in vLLM's and SGLang's "Production Metrics", Triton's and TGI's "Metrics", dcgm-exporter's
# default-counters.csv and node_exporter's collectors. What was renamed is under both names.
KNOWN = tuple(
    """
    vllm:num_requests_running vllm:num_requests_waiting vllm:num_requests_swapped
    vllm:kv_cache_usage_perc vllm:gpu_cache_usage_perc
    vllm:time_to_first_token_seconds vllm:e2e_request_latency_seconds vllm:request_queue_time_seconds
    vllm:time_per_output_token_seconds vllm:inter_token_latency_seconds vllm:request_time_per_output_token_seconds
    vllm:request_success_total vllm:corrupted_requests_total vllm:num_preemptions_total
    vllm:prompt_tokens_total vllm:generation_tokens_total
    http_requests_total

    nv_inference_request_success nv_inference_request_failure nv_inference_pending_request_count
    nv_inference_queue_duration_us nv_inference_request_duration_us
    nv_inference_first_response_histogram_ms nv_inference_request_summary_us

    tgi_queue_size tgi_batch_current_size tgi_batch_current_max_tokens
    tgi_request_count tgi_request_success tgi_request_failure
    tgi_request_duration tgi_request_queue_duration tgi_request_mean_time_per_token_duration

    sglang:num_running_reqs sglang:num_queue_reqs sglang:token_usage sglang:gen_throughput sglang:cache_hit_rate
    sglang:time_to_first_token_seconds sglang:e2e_request_latency_seconds sglang:inter_token_latency_seconds
    sglang:time_per_output_token_seconds sglang:num_requests_total sglang:num_aborted_requests_total
    sglang:prompt_tokens_total sglang:generation_tokens_total

    DCGM_FI_DEV_GPU_UTIL DCGM_FI_DEV_XID_ERRORS DCGM_FI_DEV_GPU_TEMP DCGM_FI_DEV_MEMORY_TEMP DCGM_FI_DEV_POWER_USAGE
    DCGM_FI_DEV_FB_USED DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL DCGM_FI_PROF_GR_ENGINE_ACTIVE DCGM_FI_PROF_SM_ACTIVE
    DCGM_FI_PROF_PIPE_TENSOR_ACTIVE DCGM_FI_PROF_DRAM_ACTIVE

    node_load1 node_memory_MemAvailable_bytes node_timex_offset_seconds node_textfile_scrape_error
    node_edac_correctable_errors_total node_edac_uncorrectable_errors_total
    """.split()
)
