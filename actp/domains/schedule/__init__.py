"""The scheduler agent: posting hours, and detection of falling engagement."""
