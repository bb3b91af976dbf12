"""The report: one page of charts, readable without a network."""
