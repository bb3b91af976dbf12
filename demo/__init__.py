"""``bin/demo``: runs the whole tree against simulated services and checks what recipients saw."""
