"""The report as pages: static files that open anywhere, made from finished runs."""
