"""The trends agent: the same people and the same subjects on several platforms."""
