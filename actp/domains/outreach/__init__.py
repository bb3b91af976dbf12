"""The outreach agent: recipients, times, channels and texts; sent by the one queue."""
