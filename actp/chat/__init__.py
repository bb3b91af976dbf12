"""Decisions and questions that come by Telegram."""
