"""What the worker knows of the nine Safari services, and the one Safari they share."""
