"""Dispatches agent tasks: runs each script with limits, logs it, and raises alerts."""
