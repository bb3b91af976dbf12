"""What each dashboard shows: at most five graphs a row and five lines a graph."""

from __future__ import annotations

from typing import Final

from metrics.boards.panels import Dashboard, Line, Row, graph, number

__all__ = ["DASHBOARDS"]


def _top(expr: str, legend: str = "{{service}}") -> Line:
    return Line(f"topk(5, {expr})", legend)


OVERVIEW: Final = Dashboard(
    "overview",
    "actp / Overview",
    (
        Row(
            "Now",
            (
                number("Database", "max(actp_database_up)", bad_below=1),
                number("Services down", "count(actp_service_up == 0) or vector(0)", bad_from=1),
                number("Workers", "max(actp_workers_alive)", bad_below=1),
                number("Unknown outcomes", "max(actp_unknown_outcomes)", bad_from=1),
                number("Undelivered alerts", "max(actp_undelivered_alerts)", bad_from=1),
            ),
        ),
        Row(
            "Work",
            (
                graph(
                    "Commands by outcome",
                    Line(
                        "sum by (outcome) "
                        '(rate(actp_commands_total{outcome!="wait"}[$__rate_interval]))',
                        "{{outcome}}",
                    ),
                    unit="ops",
                    description="What was put off, for a limit or a busy service, is left out.",
                ),
                graph(
                    "Queue",
                    Line("sum by (state) (actp_queue_commands)", "{{state}}"),
                    description="Waiting is for a time, held for a person or for its campaign.",
                ),
                graph(
                    "Share that fails",
                    _top("service:actp_commands_failed:ratio_rate10m"),
                    unit="percentunit",
                    description="The five services with most of it, over ten minutes.",
                ),
            ),
        ),
        Row(
            "Ground",
            (
                graph(
                    "Clock of the database against the host's",
                    Line("abs(job:actp_database_clock_offset_seconds:diff)", "difference"),
                    unit="s",
                ),
                graph(
                    "Reading the database",
                    Line("max(actp_database_read_seconds)", "time taken"),
                    unit="s",
                ),
                graph(
                    "Readings that failed",
                    Line("rate(actp_database_read_failures_total[$__rate_interval])", "failures"),
                    unit="ops",
                ),
                graph("Free disk", Line("min(actp_disk_free_bytes)", "free"), unit="bytes"),
            ),
        ),
    ),
)

SERVICES: Final = Dashboard(
    "services",
    "actp / Services",
    (
        Row(
            "Now",
            (
                number("Healthy", "sum(actp_service_up)"),
                number("Down", "count(actp_service_up == 0) or vector(0)", bad_from=1),
                number(
                    "Breakers not closed",
                    'count(max by (service) (actp_breaker_state{state!="closed"}) == 1) '
                    "or vector(0)",
                    bad_from=1,
                ),
                number(
                    "Without a worker", "count(actp_service_owners == 0) or vector(0)", bad_from=1
                ),
                number("May not act now", "count(actp_service_may_act == 0) or vector(0)"),
            ),
        ),
        Row(
            "Requests",
            (
                graph(
                    "Requests",
                    _top(
                        "sum by (service) "
                        "(rate(actp_service_request_seconds_count[$__rate_interval]))"
                    ),
                    unit="reqps",
                ),
                graph(
                    "Time to the answer, 95 %",
                    _top("service:actp_service_request_seconds:p95_rate10m"),
                    unit="s",
                ),
                graph(
                    "Failures",
                    _top(
                        "sum by (service) "
                        '(rate(actp_commands_total{outcome=~"rejected|unknown|retry"}'
                        "[$__rate_interval]))"
                    ),
                    unit="ops",
                ),
                graph(
                    "Put off",
                    _top(
                        "sum by (service) "
                        '(rate(actp_commands_total{outcome="wait"}[$__rate_interval]))'
                    ),
                    unit="ops",
                ),
            ),
        ),
        Row(
            "Health",
            (
                graph("Time of the check", _top("actp_service_health_response_seconds"), unit="s"),
                graph(
                    "Longest since healthy",
                    _top("time() - actp_service_last_healthy_timestamp_seconds"),
                    unit="s",
                ),
                graph(
                    "Longest since checked",
                    _top("time() - actp_service_checked_timestamp_seconds"),
                    unit="s",
                ),
                graph(
                    "Given commands",
                    Line(
                        "sum by (state) (max by (service, state) (actp_service_state))", "{{state}}"
                    ),
                    description="How many services are given commands, none, or a look first.",
                ),
            ),
        ),
    ),
)

QUEUE: Final = Dashboard(
    "queue",
    "actp / Queue",
    (
        Row(
            "Now",
            (
                number("Ready", 'sum(actp_queue_commands{state="ready"})'),
                number("Waiting", 'sum(actp_queue_commands{state="waiting"})'),
                number("Held", 'sum(actp_queue_commands{state="held"})'),
                number("Unknown outcomes", "max(actp_unknown_outcomes)", bad_from=1),
                number("Quarantined", "max(actp_quarantined_commands)", bad_from=1),
            ),
        ),
        Row(
            "Depth and waiting",
            (
                graph("Ready", _top('service:actp_queue_commands:sum{state="ready"}')),
                graph("First in line", _top("actp_queue_oldest_ready_seconds"), unit="s"),
                graph(
                    "From due to claimed, 95 %",
                    _top("service:actp_queue_wait_seconds:p95_rate10m"),
                    unit="s",
                    description="Of commands that were claimed within the last ten minutes.",
                ),
                graph(
                    "Ready by platform",
                    _top('sum by (platform) (actp_queue_commands{state="ready"})', "{{platform}}"),
                ),
            ),
        ),
        Row(
            "Limits of the day",
            (
                graph(
                    "Direct messages: share of the limit",
                    _top('platform_kind:actp_quota_used:ratio{kind="dm"}', "{{platform}}"),
                    unit="percentunit",
                ),
                graph(
                    "Comments: share of the limit",
                    _top('platform_kind:actp_quota_used:ratio{kind="comment"}', "{{platform}}"),
                    unit="percentunit",
                ),
                graph("Actions taken", _top("sum by (platform) (actp_quota_used)", "{{platform}}")),
            ),
        ),
        Row(
            "Table",
            (
                graph(
                    "Rows",
                    Line("max(actp_queue_live_tuples)", "living"),
                    Line("max(actp_queue_dead_tuples)", "dead"),
                ),
                graph(
                    "Oldest snapshot in use",
                    Line("max(actp_database_oldest_xmin_transactions)", "transactions ago"),
                ),
                graph(
                    "Since the last pruning",
                    Line(
                        "time() - "
                        'max(actp_schedule_success_timestamp_seconds{schedule="safari_prune"})',
                        "pruned",
                    ),
                    unit="s",
                ),
            ),
        ),
    ),
)

CAMPAIGNS: Final = Dashboard(
    "campaigns",
    "actp / Campaigns",
    (
        Row(
            "Now",
            (
                number("Targets", "sum(actp_campaign_targets)"),
                number("Held for a person", "max(actp_campaign_targets_held)", bad_from=1),
                number("Replied", 'sum(actp_campaign_targets{state="replied"}) or vector(0)'),
                number("Cold", 'sum(actp_campaign_targets{state="cold"}) or vector(0)'),
                number("Failed", 'sum(actp_campaign_targets{state="failed"}) or vector(0)'),
            ),
        ),
        Row(
            "Course",
            (
                graph(
                    "Targets by state",
                    _top("sum by (state) (actp_campaign_targets)", "{{state}}"),
                    description="The five states with most targets.",
                ),
                graph(
                    "Sent",
                    Line(
                        "sum by (action) "
                        '(rate(actp_commands_total{outcome="sent",'
                        'action=~"send_dm|comment|tweet"}[$__rate_interval]))',
                        "{{action}}",
                    ),
                    unit="ops",
                    description="All senders, campaigns among them.",
                ),
                graph(
                    "Since each job last ended well",
                    _top(
                        "time() - max by (schedule) (actp_schedule_success_timestamp_seconds)",
                        "{{schedule}}",
                    ),
                    unit="s",
                ),
            ),
        ),
    ),
)

PROCESSES: Final = Dashboard(
    "processes",
    "actp / Processes",
    (
        Row(
            "Now",
            (
                number("Up", 'sum(up{job="actp"})'),
                number("Down", 'count(up{job="actp"} == 0) or vector(0)', bad_from=1),
                number("Workers alive, all hosts", "max(actp_workers_alive)", bad_below=1),
                number(
                    "Leases lost in an hour",
                    "sum(increase(actp_leases_lost_total[1h]))",
                    bad_from=1,
                ),
                number("Versions", "count(count by (version) (actp_build_info))", bad_from=2),
            ),
        ),
        Row(
            "Processes",
            (
                graph(
                    "Memory",
                    _top('process_resident_memory_bytes{job="actp"}', "{{program}}"),
                    unit="bytes",
                ),
                graph(
                    "CPU",
                    _top(
                        'rate(process_cpu_seconds_total{job="actp"}[$__rate_interval])',
                        "{{program}}",
                    ),
                    unit="percentunit",
                ),
                graph("Open files", _top('process_open_fds{job="actp"}', "{{program}}")),
                graph("Threads", _top('process_threads{job="actp"}', "{{program}}")),
                graph(
                    "Age",
                    _top('time() - process_start_time_seconds{job="actp"}', "{{program}}"),
                    unit="s",
                ),
            ),
        ),
        Row(
            "Actors",
            (
                graph(
                    "Messages waiting",
                    _top(
                        "max by (program, actor) (actp_mailbox_messages)", "{{program}} {{actor}}"
                    ),
                ),
                graph(
                    "Restarts",
                    _top(
                        "sum by (program, actor) "
                        "(increase(actp_actor_restarts_total[$__rate_interval]))",
                        "{{program}} {{actor}}",
                    ),
                ),
                graph(
                    "Written at once",
                    Line(
                        "sum(rate(actp_ledger_batch_size_sum[$__rate_interval])) / "
                        "sum(rate(actp_ledger_batch_size_count[$__rate_interval]))",
                        "mean of the ledger",
                    ),
                ),
                graph(
                    "Turns at Safari",
                    Line("sum(actp_turns_held)", "held"),
                    Line("sum(actp_turns_waiting)", "waited for"),
                ),
            ),
        ),
        Row(
            "Claude",
            (
                graph(
                    "Dollars in a day, by model",
                    _top(
                        "max by (model) (increase(actp_claude_cost_dollars_total[1d]))",
                        "{{model}}",
                    ),
                    unit="currencyUSD",
                    description="Models without a known price are left out.",
                ),
                graph(
                    "Questions in a day, by purpose",
                    _top(
                        "sum by (purpose) (max by (purpose, outcome)"
                        " (increase(actp_claude_requests_total[1d])))",
                        "{{purpose}}",
                    ),
                ),
                graph(
                    "Questions in a day that got no answer",
                    _top(
                        "sum by (outcome) (max by (purpose, outcome)"
                        ' (increase(actp_claude_requests_total{outcome!="answered"}[1d])))',
                        "{{outcome}}",
                    ),
                ),
                graph(
                    "Tokens in a day",
                    _top(
                        "sum by (direction) (max by (model, direction)"
                        " (increase(actp_claude_tokens_total[1d])))",
                        "{{direction}}",
                    ),
                ),
            ),
        ),
    ),
)

DASHBOARDS: Final = (OVERVIEW, SERVICES, QUEUE, CAMPAIGNS, PROCESSES)
