"""The one group of commands."""

from __future__ import annotations

import click

from actp.cli.campaign import campaign
from actp.cli.contacts import contacts
from actp.cli.db import db
from actp.cli.doctor import doctor
from actp.cli.enqueue import enqueue
from actp.cli.health import health
from actp.cli.history import history, show
from actp.cli.inbox import inbox
from actp.cli.install_service import install_service
from actp.cli.limits import limits
from actp.cli.operate import cancel, pause, queue, resolve, resume, retry, retry_failed
from actp.cli.report import report
from actp.cli.review import review
from actp.cli.run import daemon, run_once
from actp.cli.sample_data import sample_data
from actp.cli.status import status
from actp.cli.tree import down, logs, restart, up

__all__ = ["actp"]


@click.group()
def actp() -> None:
    """Send commands to the Safari services, and see what becomes of them."""


for _command in (
    campaign,
    cancel,
    contacts,
    daemon,
    db,
    doctor,
    down,
    enqueue,
    health,
    history,
    inbox,
    install_service,
    limits,
    logs,
    pause,
    queue,
    report,
    resolve,
    restart,
    resume,
    retry,
    retry_failed,
    review,
    run_once,
    sample_data,
    show,
    status,
    up,
):
    actp.add_command(_command)
