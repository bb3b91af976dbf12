"""The youtube agent: classifies our videos and finds what performs best."""
