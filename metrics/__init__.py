"""What is measured, and the rules and dashboards that read it."""
