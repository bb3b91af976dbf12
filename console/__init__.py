"""The live console: pages over the same database functions that every other command calls."""
