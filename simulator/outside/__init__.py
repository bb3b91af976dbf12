"""The APIs outside besides the Safari services, each on a port of its own."""
