"""Search: an index that stands alone, and products like a given one."""
