"""Publishes posts through Blotato, and never the same one twice automatically."""
