"""The watchdog: restarts what supervisord gave up on and kills hung programs."""
