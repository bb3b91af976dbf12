"""The command line of the simulator: ``python -m simulator``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from aiohttp import web

from simulator.catalogue import CONTROL, NAMES, NEIGHBOURS, ports
from simulator.control import Control
from simulator.scenario import Scenario, ScenarioError
from simulator.scenario.behaviours import Behaviour
from simulator.simulation import PortUnavailable, Simulation
from simulator.world import World

HOST = "127.0.0.1"
INPUT_BYTES = 4096
EXIT_BAD_SCENARIO = 2
EXIT_PORT_TAKEN = 75
EXAMPLE = """\
  {"rules": [
     {"service": "threads-comments", "behaviour": "gateway_timeout_then_post",
      "seconds": 0.2, "type_on_seconds": 0.5, "times": 1},
     {"service": "instagram-dm", "match": {"username": "maria*"}, "after": 2,
      "behaviour": "drop_after_effect"},
     {"service": "tiktok-comments", "behaviour": "ok",
      "faults": [{"step": "verify", "kind": "error", "on_try": 1}]},
     {"service": "*", "action": "health", "behaviour": "hang"}],
   "telegram": {"chat_id": "42", "min_gap_seconds": 1.0,
     "rules": [{"behaviour": "too_many_requests", "retry_after_seconds": 3, "times": 1}]},
   "claude": {"rules": [{"behaviour": "obey_injection", "purpose": "dm"}]},
   "safari": {"front": "https://www.google.com/", "logged_out": ["instagram"],
     "load_seconds": {"twitter": 10}, "closed": ["tiktok-dm"], "time_scale": 0.1},
   "services": {
     "twitter-dm": {"limits": true, "active_hours": [9, 21]},
     "tiktok-dm": {"dedup": false},
     "*": {"restart_after_seconds": 0.5}}}
"""
BEHAVIOURS = "\n".join(f"  {each:<28}{each.meaning}" for each in Behaviour)
EPILOG = f"""\b
Behaviours:
{BEHAVIOURS}

\b
A scenario (the first rule that matches and is not used up decides; a rule without an action is
for sends and research; settings under "*" are for services without their own):
{EXAMPLE}
\b
Control (port base + 9, or 3190; behind it in a row: {", ".join(NEIGHBOURS)}):
  POST /scenario              replace rules and settings      GET /scenario  show them
  POST /safari                change its settings             GET /safari    windows, tabs, claims
  POST /services/NAME/down    stop listening (also up, crash) GET /services  who listens
  GET  /world                 the effects so far              POST /reset    as at the start
  GET  /wait?seconds=5&…      until effects=N, used=N, up=NAME, down=NAME, quiet=NAME; else 408
  POST /release               let held requests act, until the next scenario also those to come

\b
World log: one JSON line per effect, written before the answer: at, service, kind (dm, comment,
tweet, publish, research, telegram, claude, upload, render; also collision: two at the page at
once, repeat: the service itself held a second one back, lost: pasted where no text box was,
telegram_refused and claude_refused), recipient: who really got it, asked: whom the request named,
text as published, request_id.

\b
Safari: settings are described in simulator/scenario/safari.py. Without any, each service finds its
own tab in front, everybody is logged in, and the seconds of a Mac are counted but not waited for.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    ports: dict[str, int]
    scenario: Scenario
    latency_seconds: float
    one_safari: bool
    until_stdin_closes: bool


@click.command(epilog=EPILOG, context_settings={"max_content_width": 110})
@click.option(
    "--port-base", type=click.IntRange(1024, 65500), help="Listen on N and the ports behind it."
)
@click.option("--control-port", type=click.IntRange(1, 65535), help="Port of the control routes.")
@click.option(
    "--scenario",
    "scenario_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rules and settings to start with (JSON).",
)
@click.option(
    "--world",
    "world_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append each effect to this file.",
)
@click.option("--latency-ms", type=click.FloatRange(min=0), default=0.0, show_default=True)
@click.option("--one-safari", is_flag=True, help="Log a collision when two services overlap.")
@click.option("--until-stdin-closes", is_flag=True, help="End when the starting process does.")
def main(  # noqa: PLR0913  the flags
    port_base: int | None,
    control_port: int | None,
    scenario_path: Path | None,
    world_path: Path | None,
    latency_ms: float,
    *,
    one_safari: bool,
    until_stdin_closes: bool,
) -> None:
    """Run the outside world: nine Safari services, Telegram and others, and what people there see.

    Without --port-base the services listen on their real ports.
    """
    where = ports(port_base)
    if control_port is not None:
        where[CONTROL] = control_port
    world = World(world_path)
    try:
        scenario = (
            Scenario() if scenario_path is None else Scenario.parse(scenario_path.read_bytes())
        )
        plan = Plan(where, scenario, latency_ms / 1000, one_safari, until_stdin_closes)
        asyncio.run(_serve(world, plan))
    except ScenarioError as error:
        click.echo(f"simulator: the scenario cannot be played: {error}", err=True)
        sys.exit(EXIT_BAD_SCENARIO)
    except PortUnavailable as error:
        click.echo(f"simulator: {error}", err=True)
        sys.exit(EXIT_PORT_TAKEN)
    finally:
        world.close()


async def _serve(world: World, plan: Plan) -> None:
    where = plan.ports
    simulation = Simulation(
        world,
        where,
        plan.scenario,
        host=HOST,
        latency_seconds=plan.latency_seconds,
        one_safari=plan.one_safari,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(Control(simulation).app(), access_log=None)
    await runner.setup()
    try:
        for name in NAMES:
            await simulation.bring_up(name)
            click.echo(f"{name:<20} http://{HOST}:{where[name]}")
        for name in NEIGHBOURS:
            await simulation.bring_up_neighbour(name)
            click.echo(f"{name:<20} http://{HOST}:{where[name]}")
        await _listen_for_control(runner, where[CONTROL])
        click.echo(f"{CONTROL:<20} http://{HOST}:{where[CONTROL]}")
        click.echo("ready")
        if plan.until_stdin_closes:
            loop.add_reader(sys.stdin.fileno(), _stop_at_end_of_input, stop)
        await stop.wait()
    finally:
        simulation.close()
        await runner.cleanup()


async def _listen_for_control(runner: web.AppRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise PortUnavailable(
            f"port {port} for the control routes cannot be used: {error.strerror or error}; "
            "choose another --control-port"
        ) from error


def _stop_at_end_of_input(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), INPUT_BYTES):
        stop.set()


if __name__ == "__main__":
    main()
