"""An ``osascript`` for hosts that are no Mac: it speaks to the simulator's Safari."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess

__all__ = ["path_with_osascript"]

TIMEOUT_SECONDS = 20
# The path of an interpreter may hold a blank, which a first line cannot say.
LAUNCHER = """\
#!/bin/sh
exec {python} -ISs {program} "$@"
"""
PROGRAM = """\
import http.client, json, sys
given, script = sys.argv[1:], []
while len(given) > 1 and given[0] == "-e":
    script.append(given[1])
    given = given[2:]
connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout={seconds})
body = json.dumps({{"script": "\\n".join(script), "arguments": given}})
connection.request("POST", "/safari/osascript", body, {{"Content-Type": "application/json"}})
answer = json.loads(connection.getresponse().read())
if "error" in answer:
    sys.exit("0:152: execution error: " + answer["error"])
print(answer["output"])
"""


def path_with_osascript(simulator: SimulatorProcess, folder: Path) -> str:
    """Write the program into a folder and return a PATH on which it is found first."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    program, launcher = programs / "speak.py", programs / "osascript"
    _, _, port = simulator.url("control").rpartition(":")
    program.write_text(PROGRAM.format(port=int(port), seconds=TIMEOUT_SECONDS))
    words = {"python": shlex.quote(sys.executable), "program": shlex.quote(str(program))}
    launcher.write_text(LAUNCHER.format_map(words))
    launcher.chmod(0o755)
    return os.pathsep.join((str(programs), os.environ["PATH"]))
