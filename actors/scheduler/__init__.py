"""The scheduler: runs the cron table, each fire time once over all hosts."""
