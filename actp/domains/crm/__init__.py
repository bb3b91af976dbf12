"""The CRM brain: reads inboxes, scores contacts, and queues messages."""
