"""Publishing a video on several platforms through Blotato, each at most once."""
