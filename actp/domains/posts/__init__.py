"""Our own posts, and what they bring."""
