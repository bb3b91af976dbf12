"""The content-mix agent: compares the published mix with the target."""
