"""Measures our own posts."""
