"""The ab-tester agent: two texts on one subject, and which of them does better."""
