"""``doctor``: preflight checks, each problem with its remedy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from actp.cli.options import json_option
from actp.cli.output import counted, emit_json, say
from actp.doctor.examination import examine
from actp.errors import ExitCode

if TYPE_CHECKING:
    from actp.doctor.finding import Finding

__all__ = ["doctor"]


@click.command()
@click.option(
    "--deep", is_flag=True, help="Also check tab and login in Safari; takes a turn at Safari."
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, deep: bool, as_json: bool) -> None:
    """Check settings, folders, database, services, agents and alerts; exit with 1 on a problem.

    --deep also checks the tab and the login of each service in Safari.
    """
    findings = []
    for finding in examine(is_deep=deep):
        findings.append(finding)
        if not as_json:
            _say(finding)
    problems = sum(finding.is_problem for finding in findings)
    if as_json:
        emit_json({"problems": problems, "findings": [asdict(finding) for finding in findings]})
    else:
        say(f"\n{counted(problems, 'problem')}." if problems else "\nNo problem.")
    if problems:
        ctx.exit(ExitCode.FAILED)


def _say(finding: Finding) -> None:
    mark = "PROBLEM" if finding.is_problem else "warning" if finding.is_warning else "ok     "
    say(f"{mark} {finding.check}: {finding.said}")
    if finding.remedy is not None:
        say(f"        {finding.remedy}")
