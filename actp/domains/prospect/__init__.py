"""The prospect agent: scores contacts, assigns funnel stages, and picks the next action."""
