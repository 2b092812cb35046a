"""The pages of a blind study: consent, instructions, one trial at a time, and the end."""
