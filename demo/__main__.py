"""``python -m demo``: everything once, from an empty folder to a summary."""

from __future__ import annotations

import sys
from time import monotonic
from typing import TYPE_CHECKING, Final

import click

from actp.checkout import spelled
from actp.cli.failures import explain
from actp.cli.main import run
from actp.cli.output import console, say
from actp.errors import ExitCode
from demo.acts import Queue
from demo.interruption import Interrupted, Interruption
from demo.live import watching
from demo.reply import receive_reply, reply_check
from demo.script import PLAYS
from demo.stage import CONSOLE_MINUTES, PARENTS, Stage, killed_demos
from demo.summary import summary
from demo.verdict import checks
from simulator.process import SimulatorFailed

if TYPE_CHECKING:
    from rich.console import Console

PROGRAM: Final = spelled("bin/demo")
SETTLE_TIMEOUT_SECONDS: Final = 150.0
LOOK_SECONDS: Final = 0.3


@click.command()
@click.option(
    "--keep",
    is_flag=True,
    help="Keep the folder with database, logs and the simulators' delivery log.",
)
def main(*, keep: bool) -> None:
    """Run two dozen commands through nine simulated services, and show what people saw.

    Nothing leaves this machine. Exits with 1 when a promise was broken.
    """
    sys.exit(_run(keep=keep))


def _run(*, keep: bool) -> int:
    interruption = Interruption()
    screen = console()
    for folder in killed_demos(PARENTS):
        ended = f"ACTP_HOME={folder}/home {spelled('bin/down')}"
        say(f"An earlier demo was killed: {ended} ends it, rm -r {folder} removes it.")
    stage = Stage(interruption, keep=keep)
    say(f"actp-worker, in {stage.folder} ({'kept' if keep else 'removed'} at the end)")
    try:
        code = _play(stage, interruption, screen)
    except Interrupted:
        say("interrupted; stopping the demo's processes")
        code = interruption.exit_code
    except SimulatorFailed as error:
        code = ExitCode.FAILED if interruption.number is None else interruption.exit_code
        click.echo(f"{PROGRAM}: {error}", err=True)
    except BrokenPipeError:  # bin/demo | head; the next line that is said tells the launcher
        code = ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last handler: nobody is shown a traceback
        # Ctrl-C reaches the simulator too, and then nothing works any more.
        code = explain(error, PROGRAM) if interruption.number is None else interruption.exit_code
    code |= _leave(stage, keep=keep)
    if not keep and interruption.number is None:
        say("\nThe demo's database was removed; bin/demo --keep keeps it.")
        say("Next: bin/simulate to practice, bin/init to set up, bin/up to start.")
    return code


def _play(stage: Stage, interruption: Interruption, screen: Console) -> int:
    settings = stage.build(lambda line: say(f"  {line} …"))
    with stage.store(settings) as store:
        say(f"  enqueueing {len(PLAYS)} commands …\n")
        queue = Queue(store, PLAYS)
        began = monotonic()
        with watching(screen) as show:
            while True:
                acts = queue.look()
                seconds = monotonic() - began
                show(acts, seconds)
                if queue.is_settled() or seconds > SETTLE_TIMEOUT_SECONDS:
                    break
                interruption.pause(LOOK_SECONDS)
        world, limits = stage.world.world(), store.call("safari_limits")
    say("  a recipient answers; reading the inboxes …\n")
    replies = receive_reply(stage.world, settings)
    found = (*checks(acts, world, limits), reply_check(replies))
    screen.print(summary(acts, world, replies, found, seconds))
    return ExitCode.OK if all(check.holds for check in found) else ExitCode.FAILED


def _leave(stage: Stage, *, keep: bool) -> int:
    try:
        stage.leave()
    except Exception as error:  # noqa: BLE001 - see _run
        return explain(error, PROGRAM)
    if keep:
        path = stage.write_settings()
        say(f"\nKept: {stage.folder}. To explore it:\n  export ACTP_ENV_FILE={path}")
        say("  bin/status")
        say(f"Console: {stage.start_console()}")
        say(f"It stops after {CONSOLE_MINUTES} minutes without an open page.")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(run(main, sys.argv[1:], PROGRAM))
