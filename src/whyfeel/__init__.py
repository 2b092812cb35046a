"""whyfeel: why does this person feel that way, according to a model, and how far may the answer be trusted?"""

__version__ = "0.1.0"
