"""Clients of external services other than Safari's, one per module."""
