"""The scripts of the domain agents: one command a script, one flag a task."""
