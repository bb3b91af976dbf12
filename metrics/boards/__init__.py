"""The Grafana dashboards as data; ``python -m metrics.boards`` writes them as JSON."""
