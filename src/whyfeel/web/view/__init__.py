"""The report's pages served live, which grow while a run goes on."""
