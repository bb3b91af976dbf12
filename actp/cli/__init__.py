"""The command line: one group of commands, and the entry points over it.

Nothing is imported here: ``actp.cli.bootstrap`` must load in a Python without our packages.
"""
