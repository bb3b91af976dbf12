"""Settings, database, services, agents and the command line; no actors."""

import os
import sys

__version__ = "0.5.0"

# httpx imports its own command line where it can, and with it rich and pygments: 4 MiB that each
# process would hold for nothing. An entry of None makes that import fail, for which httpx provides.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # typeshed knows no None there

# Else pydantic reads the metadata of every installed package to find plugins, a seventh of the time
# of a short command; there are none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")
