"""What bin/demo runs: the whole tree against simulated services, and a look at what people saw."""
