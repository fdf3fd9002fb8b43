"""Published sets of picture pairs by name: layouts, split lists, checks, and pairs in memory."""
