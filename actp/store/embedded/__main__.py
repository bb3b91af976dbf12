"""``python -m actp.store.embedded run|stop|where``, for supervisord and for people."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from actp.errors import ActpError
from actp.store.embedded.cluster import Cluster


@click.group()
def main() -> None:
    """Run or stop the embedded PostgreSQL of ACTP_HOME."""


@main.command()
@click.option(
    "--home",
    envvar="ACTP_CLUSTER",
    type=click.Path(path_type=Path),
    help="Instead of ACTP_HOME; bin/up names it, since reading all settings takes 0.1 s.",
)
def run(home: Path | None) -> None:
    """Become the server; one that runs already is stopped first."""
    cluster = Cluster(home) if home else _cluster()
    click.echo(f"PostgreSQL data: {cluster.data_location}", err=True)
    cluster.exec_foreground()


@main.command()
def stop() -> None:
    """Stop the server if it runs."""
    click.echo("stopped" if _cluster().stop() else "was not running")


@main.command()
def where() -> None:
    """Say where the data lies."""
    click.echo(_cluster().data_location)


def _cluster() -> Cluster:
    from actp.settings import load_settings  # noqa: PLC0415 - see run

    return Cluster(load_settings().actp_home)


if __name__ == "__main__":
    try:
        main(prog_name="python -m actp.store.embedded")
    except ActpError as error:
        click.echo(f"{error}\n{error.remedy}".rstrip(), err=True)
        sys.exit(error.exit_code)
