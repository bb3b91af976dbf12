"""Who does the work: one actor a file, their messages, and the process that holds them."""
