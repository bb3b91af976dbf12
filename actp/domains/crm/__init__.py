"""The CRM brain: what was said to us, how close each person is, and what to write next."""
