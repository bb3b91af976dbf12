"""``init``: asks for the settings one by one, checks each, and writes .env."""

from __future__ import annotations

import io
import os
import sys
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Final

import click
from dotenv import dotenv_values

from actp.cli.batch import batch_lines
from actp.cli.output import counted, say, warn
from actp.doctor.agents import claude
from actp.doctor.finding import Finding, fine, problem, warning
from actp.doctor.outside import telegram
from actp.doctor.services import REJECTED, RESPONDS, services
from actp.errors import (
    ActpError,
    ExitCode,
    InvalidInput,
    SchemaMissing,
    SettingsError,
    WrongState,
)
from actp.private_file import write_private
from actp.settings import PROJECT_ROOT, SERVICE_SETTINGS, Settings, load_settings
from actp.settings.env_file import with_values
from actp.settings.load import read_bindings, settings_file, values_of
from actp.settings.names import ALIASES, ENV_FILE_NAME, KNOWN
from actp.store import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["init"]

Values = dict[str, str]

DATABASES: Final = {
    "local": (),
    "postgres": ("DATABASE_URL",),
    "supabase": ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY"),
}
_SECRET_ENDINGS: Final = ("_TOKEN", "_KEY", "DATABASE_URL")
_HANDLE_PLATFORMS: Final = ("instagram", "twitter", "threads", "tiktok", "linkedin")


@click.command()
@click.option(
    "--answers",
    metavar="FILE",
    help="Read the settings from a FILE of NAME=value lines, - for standard input; ask nothing.",
)
@click.option("--yes", is_flag=True, help="Change an existing .env without confirmation.")
@click.option("--unchecked", is_flag=True, help="Write the settings even if a check fails.")
@click.pass_context
def init(ctx: click.Context, *, answers: str | None, yes: bool, unchecked: bool) -> None:
    """Create .env: database, tokens, own handles and hours, each checked as it is given.

    An existing .env keeps its other lines. The file is readable by its owner alone. Without a
    terminal give --answers.
    """
    path = settings_file()
    if path is None:
        raise InvalidInput(
            f"{ENV_FILE_NAME} is empty, so there is no file to write",
            remedy=f"Unset it, or let it name a file: {ENV_FILE_NAME}=.env bin/init.",
        )
    before = _read(path)
    if answers is not None:
        wanted = _from_file(answers)
        if not _all_well({**before, **wanted}) and not unchecked:
            warn("Nothing was written. Correct the answers, or add --unchecked.")
            ctx.exit(ExitCode.FAILED)
    elif sys.stdin.isatty():
        wanted = _asked(before)
    else:
        raise InvalidInput(
            "no terminal for questions",
            remedy="Give --answers FILE, or --answers - for stdin.",
        )
    changed = {name: value for name, value in wanted.items() if before.get(name, "") != value}
    if path.exists() and changed and not yes:
        _confirm(path, changed)
    _write(path, changed)
    for name in sorted(changed.keys() & os.environ.keys()):
        warn(f"{name} is also set in the environment, which overrides {path.name}.")
    say("Next: bin/doctor checks everything, bin/up starts it.")


def _read(path: Path) -> Values:
    return {name: value for name, value in values_of(read_bindings(path)).items() if value}


def _from_file(answers: str) -> Values:
    given = dotenv_values(stream=io.StringIO("\n".join(batch_lines(answers))))
    unknown = [name for name in given if name not in KNOWN and name not in ALIASES]
    if unknown:
        raise InvalidInput(
            f"no settings: {', '.join(unknown)}", remedy="See .env.example for the setting names."
        )
    return {name: value or "" for name, value in given.items()}


def _settings(values: Mapping[str, str]) -> Settings:
    """Return what a worker would read; raises SettingsError naming each mistake."""
    return load_settings({**values, ENV_FILE_NAME: ""})


def _all_well(values: Values) -> bool:
    settings = _settings(values)
    return all(_show(each(settings)) for each in (_database, _services, telegram, claude))


def _show(findings: Iterator[Finding]) -> bool:
    """Print findings, and return whether none of them is a problem."""
    is_well = True
    for finding in findings:
        mark = "PROBLEM" if finding.is_problem else "later  " if finding.is_warning else "ok     "
        say(f"  {mark} {finding.check}: {finding.said}")
        if finding.is_problem:
            say(f"          {finding.remedy}")
        is_well = is_well and not finding.is_problem
    return is_well


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.store_kind == "embedded":
        yield fine("database", "a local PostgreSQL, created by bin/up")
        return
    try:
        with closing(open_store(settings, application_name="actp init")) as store:
            store.call("safari_now")
    except SchemaMissing:
        way = "bin/up" if settings.store_kind == "postgres" else "bin/db bundle"
        yield fine("database", f"responds; {way} creates the tables")
    except ActpError as error:
        cause = str(error).partition("\n")[0]
        yield problem("database", cause, error.remedy or "Check the address.")
    else:
        yield fine("database", "responds, and has the tables")


def _services(settings: Settings) -> Iterator[Finding]:
    """Judge tokens; a service that is not running yet is no mistake in the settings."""
    for finding in services(settings):
        is_token = REJECTED in finding.said
        if finding.is_problem and not is_token:
            yield warning(finding.check, finding.said, str(finding.remedy))
        elif finding.is_problem or RESPONDS in finding.said:
            yield finding


def _asked(before: Values) -> Values:
    values = dict(before)
    say("Press Enter to keep the value in brackets. Nothing is written until the end.\n")
    _ask_database(values)
    _ask_services(values)
    _ask_handles(values)
    _ask_until(
        values,
        ("SAFARI_ACTIVE_HOURS", "SAFARI_TIME_ZONE"),
        {
            "SAFARI_ACTIVE_HOURS": "Hours in which messages may be sent",
            "SAFARI_TIME_ZONE": "Time zone of these hours",
        },
    )
    if click.confirm("\nSend alerts to Telegram?", default="TELEGRAM_BOT_TOKEN" in values):
        names = ("TELEGRAM_BOT_TOKEN", "TELEGRAM_CHAT_ID")
        _ask_until(values, names, {}, telegram)
    if click.confirm(
        "\nLet Claude write texts and classify for the agents?", default=_has_claude(values)
    ):
        _ask_until(values, ("ANTHROPIC_API_KEY",), {}, claude)
    return values


def _has_claude(values: Values) -> bool:
    return "ANTHROPIC_API_KEY" in values


def _ask_database(values: Values) -> None:
    say("Where is the database?")
    say("  local     a PostgreSQL in this folder, for trying things out")
    say("  postgres  an address such as postgresql://user:password@host:5432/db; recommended")
    say("  supabase  a Supabase project over HTTPS, with its service role key")
    present = _settings(values).store_kind
    default = {"embedded": "local"}.get(present, present)
    kind = click.prompt("Database", type=click.Choice(list(DATABASES)), default=default)
    for names in DATABASES.values():
        for name in names:
            if name in values and name not in DATABASES[kind]:
                values[name] = ""  # an empty value counts as not set
    _ask_until(values, DATABASES[kind], {}, _database)


def _ask_services(values: Values) -> None:
    say("\nThe nine services:")
    findings = list(_services(_settings(values)))
    _show(iter(findings))
    for refused in [it.check for it in findings if it.is_problem]:
        token = f"{SERVICE_SETTINGS[refused]}_TOKEN"
        _ask_until(values, (token,), {}, partial(_one_service, refused))


def _one_service(name: str, settings: Settings) -> Iterator[Finding]:
    return (found for found in _services(settings) if found.check == name)


def _ask_handles(values: Values) -> None:
    say("\nYour own handles, so that your comments and tweets are recognized; - for none.")
    own = dict(_settings(values).safari_own_handles)
    while True:
        for platform in _HANDLE_PLATFORMS:
            handle = click.prompt(f"  {platform}", default=own.get(platform, "-")).strip()
            own[platform] = handle
        given = {platform: handle for platform, handle in own.items() if handle not in {"-", ""}}
        values["SAFARI_OWN_HANDLES"] = ",".join(f"{key}={value}" for key, value in given.items())
        if _is_readable(values):
            return


def _ask_until(
    values: Values,
    names: tuple[str, ...],
    questions: Mapping[str, str],
    check: Callable[[Settings], Iterator[Finding]] | None = None,
) -> None:
    """Ask for each name until the settings can be read and the check finds no problem."""
    while True:
        previous = dict(values)
        for name in names:
            is_secret = name.endswith(_SECRET_ENDINGS)
            present = values.get(name) or _default(name)
            shown = "keep" if is_secret and present else present
            given = click.prompt(
                f"  {questions.get(name, name)}",
                default=shown,
                hide_input=is_secret,
                show_default=bool(present),
            ).strip()
            if given != shown:
                values[name] = given
        if not _is_readable(values):
            values.clear()
            values.update(previous)
            continue
        if check is None or _show(check(_settings(values))):
            return
        if click.confirm("  Keep it although the check fails?", default=False):
            return


def _default(name: str) -> str:
    value = Settings.model_fields[name.lower()].get_default(call_default_factory=True)
    return "" if value is None else str(value)


def _is_readable(values: Values) -> bool:
    try:
        _settings(values)
    except SettingsError as error:
        for line in str(error).splitlines():
            say(f"  {line}")
        return False
    return True


def _confirm(path: Path, changed: Values) -> None:
    names = ", ".join(sorted(changed))
    if not sys.stdin.isatty():
        raise WrongState(
            f"{path} exists and would change: {names}", remedy="Add --yes to change it."
        )
    click.confirm(f"\nChange {names} in {path}?", abort=True)


def _write(path: Path, changed: Values) -> None:
    if not changed and path.exists():
        path.chmod(0o600)
        say(f"{path} has these settings already.")
        return
    source = path if path.exists() else PROJECT_ROOT / ".env.example"
    text = with_values(source.read_text(encoding="utf-8"), changed)
    write_private(path, text)
    say(f"Wrote {counted(len(changed), 'setting')} to {path}, readable by you alone.")
