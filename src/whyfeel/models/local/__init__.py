"""Models that run in this process: any of transformers' models for pictures and text, or for text alone."""
