"""What speaks to the world beside the Safari services, one client a module."""
