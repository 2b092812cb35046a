"""The protocols that servers speak: chat completions with everyone's quirks, and Anthropic's messages."""

from whyfeel.models.dialects.base import SCHEMA, Adaptation, Dialect, Refused, excerpt
from whyfeel.models.dialects.chat import ChatCompletions
from whyfeel.models.dialects.messages import Messages

__all__ = ["SCHEMA", "Adaptation", "ChatCompletions", "Dialect", "Messages", "Refused", "excerpt"]
