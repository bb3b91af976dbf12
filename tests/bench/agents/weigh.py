"""Runs a program and writes ``seconds MiB exit-code`` to standard error.

A process begins its life as a copy of the one that starts it, and the system counts that memory as
its own; so it is started from here, where there is none to speak of.
"""

import os
import subprocess
import sys
from threading import Timer
from time import perf_counter

TIMEOUT_SECONDS = 300.0
# What ru_maxrss counts in.
RSS_UNITS_PER_MIB = 1024**2 if sys.platform == "darwin" else 1024

began = perf_counter()
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
deadline = Timer(TIMEOUT_SECONDS, process.kill)
deadline.start()
_, status, usage = os.wait4(process.pid, 0)
deadline.cancel()
process.returncode = os.waitstatus_to_exitcode(status)
seconds, mebibytes = perf_counter() - began, usage.ru_maxrss / RSS_UNITS_PER_MIB
sys.stderr.write(f"{seconds} {mebibytes} {process.returncode}\n")
