"""Products of a feed: categorized and encoded from file to file, at any size."""
