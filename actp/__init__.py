"""What the worker knows: settings, the database, the nine services. No threads of work, no actors."""
