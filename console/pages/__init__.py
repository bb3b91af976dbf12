"""One module for each page: parse, one call to the database, render."""
