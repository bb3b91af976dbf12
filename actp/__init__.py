"""What the worker knows: settings, the database, the nine services. No actors."""
