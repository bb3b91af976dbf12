"""``python -m tests.bench.rivals.bare_httpx COUNT NUMBER PROCESSES``.

No queue at all: a thread and a client for each service of this process. Prints when it began and
ended.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import time
from typing import TYPE_CHECKING

import httpx

from actp.safari.exchange import bearer_headers
from actp.settings import Settings, load_settings
from tests.bench.load import deliveries
from tests.bench.rivals.gate import REQUEST_TIMEOUT_SECONDS, say, share

if TYPE_CHECKING:
    from tests.bench.load import Delivery

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Send this process's part of so many requests."""
    count, services, _ = share(arguments)
    jobs = deliveries(int(count), "bare")
    parts = [[job for job in jobs if job["service"] == service] for service in services]
    say("ready")
    sys.stdin.readline()
    began = time()
    with ThreadPoolExecutor(len(services)) as threads:
        list(threads.map(partial(_send, load_settings()), parts))
    say(f"{began} {time()}")


def _send(settings: Settings, jobs: list[Delivery]) -> None:
    service = jobs[0]["service"]
    with httpx.Client(
        base_url=settings.service_url(service),
        headers=bearer_headers(settings.service_token(service)),
        timeout=REQUEST_TIMEOUT_SECONDS,
        trust_env=False,
    ) as client:
        for job in jobs:
            client.post(job["path"], json=job["body"]).raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1:])
