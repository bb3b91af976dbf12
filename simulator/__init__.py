"""The world outside: the nine Safari services as they behave, with a log of what people saw."""
