"""The stand-in Safari that all services share: windows, tabs and the sites shown in them."""
