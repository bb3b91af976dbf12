"""The sentinel: service health, alerts, campaigns and posts, beside the commands."""
