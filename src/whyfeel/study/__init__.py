"""Blind human studies: people compare or rate reasons without knowing whose they are."""
