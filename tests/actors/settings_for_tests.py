"""The environment of a worker that serves the simulator on a test's own database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actp.settings import SERVICE_SETTINGS, Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.process import SimulatorProcess
    from tests.support.databases import Database


def environment_for(
    database: Database, simulator: SimulatorProcess, folder: Path, **more: str
) -> dict[str, str]:
    """Return the settings as environment variables; later ones win."""
    urls = {f"{prefix}_URL": simulator.url(name) for name, prefix in SERVICE_SETTINGS.items()}
    return {
        **database.environment,
        **urls,
        "ACTP_ENV_FILE": "",
        "ACTP_HOME": str(folder / "home"),
        "ACTP_LOCK_DIR": str(folder / "locks"),
        "SAFARI_ACTIVE_HOURS": "00-24",
        "SAFARI_MIN_GAP_SECONDS": "0",
        "SAFARI_TURNS": "9",
        "SAFARI_RETRY_BASE_SECONDS": "0.05",
        "SAFARI_ACTION_TIMEOUT_SECONDS": "5",
        "SAFARI_LEASE_SECONDS": "2",
        "STOP_SECONDS": "5",
        "METRICS_PORT_BASE": "0",
        "AGENTS_SCHEDULE": "false",
        **more,
    }


def settings_for(
    database: Database, simulator: SimulatorProcess, folder: Path, **more: str
) -> Settings:
    return load_settings(environment_for(database, simulator, folder, **more))
