"""Decisions and commands received from Telegram."""
