"""Campaigns: several steps to one person, each only when the one before it has come to its end."""
