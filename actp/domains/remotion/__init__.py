"""The remotion agent: short videos, from the brief to their distribution."""
