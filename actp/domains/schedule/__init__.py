"""The scheduler agent: at which hours posts go out, and when a platform tires."""
