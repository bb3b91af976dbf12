"""The content-mix agent: what is made, against what should be."""
