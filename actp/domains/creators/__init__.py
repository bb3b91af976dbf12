"""The creators agent: who talks about our niches, and who of them is worth a message."""
