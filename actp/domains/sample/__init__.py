"""Made-up people, posts and figures: the same ones every time, and removable."""
