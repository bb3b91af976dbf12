"""``bin/simulate``: stand-ins for the services that stay up, and settings that lead to them."""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from actp.checkout import spelled
from actp.cli.main import run
from actp.cli.output import one_line, say
from actp.errors import ActpError, InvalidInput, NotFound, WrongState
from actp.private_file import write_private
from actp.settings import SERVICE_SETTINGS
from actp.settings.env_file import with_values
from actp.settings.host import base_folder
from actp.settings.names import ALIASES, ENV_FILE_NAME, KNOWN
from demo.interruption import Interrupted, Interruption
from simulator.process import SimulatorFailed, SimulatorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["practice_settings", "simulate"]

USUAL_PORT_BASE: Final = 3900
LATENCY_MS: Final = 300.0
LOOK_SECONDS: Final = 0.3
SHOWN: Final = {
    "dm": "DM to",
    "comment": "comment on",
    "tweet": "tweet by",
    "publish": "post by",
    "research": "research of",
    "telegram": "alert to",
    "collision": "COLLISION with",
    "lost": "LOST on",
}
# Everything may be sent at any hour, and nothing takes as long as on a real page.
PACE: Final = {
    "SAFARI_ACTIVE_HOURS": "00-24",
    "SAFARI_MIN_GAP_SECONDS": "1",
    "SAFARI_RETRY_BASE_SECONDS": "2",
    "SAFARI_TIME_SCALE": "0.1",
    "SAFARI_OWN_HANDLES": "instagram=me,threads=me,tiktok=me,twitter=me",
    "METRICS_PORT_BASE": "0",
    "AGENTS_SCHEDULE": "false",
    "KEEP_AWAKE": "false",
    # Any key will do: the stand-ins for Telegram and Claude compare none.
    "TELEGRAM_BOT_TOKEN": "1:practice",
    "TELEGRAM_CHAT_ID": "42",
    "ANTHROPIC_API_KEY": "practice",
}


@click.command()
@click.option(
    "--port-base",
    type=click.IntRange(1024, 65_500),
    default=USUAL_PORT_BASE,
    show_default=True,
    help="The first of fourteen ports.",
)
@click.option(
    "--scenario",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Faults to simulate, as JSON; see python -m simulator --help.",
)
@click.option(
    "--folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for its settings and database; default: var/practice.",
)
def simulate(*, port_base: int, scenario: Path | None, folder: Path | None) -> None:
    """Run stand-ins for the nine services, Telegram and Claude, and print what recipients see.

    They stay up until Ctrl-C. The settings they print lead every other command to them and to a
    separate database, so nothing reaches a real queue or a real person.
    """
    _refuse_own_settings(os.environ)
    folder = (folder or base_folder(sys.platform, os.environ) / "var" / "practice").absolute()
    interruption = Interruption()
    world = SimulatorProcess(
        port_base=port_base,
        scenario=None if scenario is None else _scenario(scenario),
        world_path=folder / "world.jsonl",
        latency_ms=LATENCY_MS,
        one_safari=True,
    )
    try:
        with world:
            path = folder / ".env"
            write_private(path, with_values("", practice_settings(world, folder)))
            _introduce(path)
            for line in _seen(world.world_path, interruption):
                say(line)
    except Interrupted:
        say("\nThe simulated services are down. If a tree still uses them, stop it with bin/down.")
        sys.exit(interruption.exit_code)
    except SimulatorFailed as error:
        remedy = "Choose other ports with --port-base." if "taken" in str(error) else ""
        raise ActpError(str(error), remedy=remedy) from error


def practice_settings(world: SimulatorProcess, folder: Path) -> dict[str, str]:
    """Return the settings of a tree that knows only the stand-ins and this folder."""
    urls = {f"{stem}_URL": world.url(name) for name, stem in SERVICE_SETTINGS.items()}
    return {
        "ACTP_HOME": str(folder / "home"),
        "ACTP_LOCK_DIR": str(folder / "locks"),
        **PACE,
        **urls,
        "TELEGRAM_API_URL": world.url("telegram"),
        "ANTHROPIC_BASE_URL": world.url("claude"),
    }


def _refuse_own_settings(environment: Mapping[str, str]) -> None:
    # They would win over the practice settings: rows of a real queue would count as sent.
    own = sorted(environment.keys() & (KNOWN | ALIASES.keys()))
    if own:
        raise WrongState(
            f"the environment sets {', '.join(own)}, which would override the practice settings",
            remedy=f"Run unset {' '.join(own)} in this terminal and the other one.",
        )


def _scenario(path: Path) -> dict[str, Any]:
    try:
        scenario = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", remedy="Name a file.") from None
    except ValueError as error:
        raise InvalidInput(f"{path} is not JSON: {error}") from None
    if not isinstance(scenario, dict):
        raise InvalidInput(f"{path} holds no JSON object")
    return scenario


def _introduce(path: Path) -> None:
    say("The simulated services run until Ctrl-C. In another terminal:\n")
    for line in (
        f"export {ENV_FILE_NAME}={shlex.quote(str(path))}",
        "bin/up",
        'bin/enqueue dm instagram ada "Hello"',
        "bin/status --watch",
        f"bin/down; unset {ENV_FILE_NAME}",
    ):
        say(f"  {line}")
    say("\nWhat recipients see:")


def _seen(path: Path, interruption: Interruption) -> Iterator[str]:
    """Yield a line for each new effect, until a signal comes."""
    place = path.stat().st_size if path.exists() else 0
    while True:
        interruption.pause(LOOK_SECONDS)
        if not path.exists():
            continue
        with path.open("rb") as file:
            file.seek(place)
            whole = file.read().rpartition(b"\n")[0]
        place += len(whole) + bool(whole)
        for line in whole.splitlines():
            effect = json.loads(line)
            if effect["kind"] in SHOWN:
                yield _line(effect)


def _line(effect: Mapping[str, Any]) -> str:
    at = datetime.fromtimestamp(effect["at"], UTC).astimezone().strftime("%H:%M:%S")
    whom = one_line(effect["recipient"], 40)
    text = one_line(effect["text"], 60)
    return f"  {at}  {effect['service']:<20} {SHOWN[effect['kind']]} {whom}: {text}"


def main() -> int:
    """Run the command and return its exit code."""
    return run(simulate, sys.argv[1:], spelled("bin/simulate"))


if __name__ == "__main__":
    sys.exit(main())
