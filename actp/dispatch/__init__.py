"""The one entry for agents: which script does which task, run bounded, logged and told."""
