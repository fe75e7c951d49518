"""Collections: ids, writing, searching, background work, recovery."""
