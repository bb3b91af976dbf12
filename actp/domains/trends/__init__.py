"""The trends agent: people and subjects that appear on several platforms."""
