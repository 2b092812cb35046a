"""Pages for people: the review of annotations, and studies. Needs the extra `web`."""
