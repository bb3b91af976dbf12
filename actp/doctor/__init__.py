"""Preflight checks: finds problems and names a remedy for each."""
