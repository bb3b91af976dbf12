"""What a run is told: settings of services, of Safari and of the APIs, and rules for requests."""

from __future__ import annotations

from simulator.scenario.rules import RuleBook
from simulator.scenario.settings import (
    ACTING,
    EVERY_SERVICE,
    RECIPIENT_FIELDS,
    Action,
    ClaudeRule,
    ClaudeSettings,
    Rule,
    Scenario,
    ScenarioError,
    ServiceSettings,
    TelegramRule,
    TelegramSettings,
)

__all__ = [
    "ACTING",
    "EVERY_SERVICE",
    "RECIPIENT_FIELDS",
    "Action",
    "ClaudeRule",
    "ClaudeSettings",
    "Rule",
    "RuleBook",
    "Scenario",
    "ScenarioError",
    "ServiceSettings",
    "TelegramRule",
    "TelegramSettings",
]
