"""The providers a model can be named by: `openai:NAME` and its like."""

from __future__ import annotations

from dataclasses import dataclass

from whyfeel.models.dialects import ChatCompletions, Dialect, Messages

PLAIN = ChatCompletions()


@dataclass(frozen=True, slots=True)
class Preset:
    """Where a provider is, what it speaks and how it is paid.

    Attributes:
        name: what stands before the colon.
        base_url: the address of its API, up to and including its version.
        key_variable: the environment variable that holds the key.
        url_variable: the provider's usual variable that overrides base_url.
        second_key_variable: the provider's other usual variable, read where the first is not set.
        dialect: the protocol and its quirks.
        key_needed: whether calls without a key are pointless.
        free: whether calls cost nothing because the user owns the machine.
    """

    name: str
    base_url: str
    key_variable: str
    url_variable: str
    second_key_variable: str | None = None
    dialect: Dialect = PLAIN
    key_needed: bool = True
    free: bool = False

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The variables that may hold the key, the first one that is set being read."""
        return (self.key_variable, self.second_key_variable) if self.second_key_variable else (self.key_variable,)


def _own(name: str, port: int, key_variable: str, url_variable: str) -> Preset:
    """A server on the user's own machine."""
    base_url = f"http://127.0.0.1:{port}/v1"
    return Preset(name, base_url, key_variable, url_variable, key_needed=False, free=True)


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            *("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
            dialect=ChatCompletions(limit="max_completion_tokens"),
        ),
        Preset(
            *("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
            dialect=Messages(),
        ),
        Preset(
            *("gemini", "https://generativelanguage.googleapis.com/v1beta/openai"),
            *("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_API_KEY"),
        ),
        Preset(
            *("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "OPENROUTER_BASE_URL"),
            dialect=ChatCompletions(tells_cost=True),
        ),
        Preset(
            *("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
            *("DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"),
            dialect=ChatCompletions(schema="json_object"),
        ),
        Preset(
            *("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY", "TOGETHER_BASE_URL", "TOGETHERAI_API_KEY")
        ),
        Preset(
            *("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "MISTRAL_BASE_URL"),
            dialect=ChatCompletions(seed="random_seed"),
        ),
        _own("ollama", 11434, "OLLAMA_API_KEY", "OLLAMA_HOST"),
        _own("vllm", 8000, "VLLM_API_KEY", "VLLM_BASE_URL"),
        _own("lmstudio", 1234, "LM_API_TOKEN", "LM_STUDIO_BASE_URL"),
    )
}
ANY_SERVER_KEY = "WHYFEEL_API_KEY"  # for http://…#NAME; a provider's own key is never sent to another address
