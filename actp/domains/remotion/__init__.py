"""Short videos from what resonates: a brief, a render, and its distribution."""
