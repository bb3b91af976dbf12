"""The one group of commands."""

from __future__ import annotations

import click

from actp.cli.contacts import contacts
from actp.cli.db import db
from actp.cli.enqueue import enqueue
from actp.cli.health import health
from actp.cli.history import history, show
from actp.cli.limits import limits
from actp.cli.operate import cancel, pause, queue, resolve, resume, retry, retry_failed
from actp.cli.run import daemon, run_once
from actp.cli.status import status
from actp.cli.tree import down, up

__all__ = ["actp"]


@click.group()
def actp() -> None:
    """Send commands to the Safari services, and see what becomes of them."""


for _command in (
    cancel,
    contacts,
    daemon,
    db,
    down,
    enqueue,
    health,
    history,
    limits,
    pause,
    queue,
    resolve,
    resume,
    retry,
    retry_failed,
    run_once,
    show,
    status,
    up,
):
    actp.add_command(_command)
