"""The review of annotations: people keep, mend, remove and add what a model named."""
