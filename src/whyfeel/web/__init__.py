"""Pages on this machine's own address, for people: the review of annotations. Needs the extra `web`."""
