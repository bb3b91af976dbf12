"""The APIs outside besides the Safari services, each on its own port."""
