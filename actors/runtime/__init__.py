"""The actor runtime: base class, registry, supervisor, timer, offloaded work, process shell."""
