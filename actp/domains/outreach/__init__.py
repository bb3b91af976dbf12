"""The outreach agent: who is to be written to, when, where and what; sent by the one queue."""
