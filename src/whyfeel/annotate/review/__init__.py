"""People correct annotations: edits that are never lost, items that two never take unasked, and how far they agree."""
