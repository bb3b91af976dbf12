"""The worker: claims commands and carries each to the service that owns it."""
