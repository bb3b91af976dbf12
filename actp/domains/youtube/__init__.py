"""The youtube agent: what our videos are about, and what of them works."""
