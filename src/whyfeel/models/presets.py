"""The providers a model can be named by: `openai:NAME` and its like."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """Where a provider is and how it is paid.

    Attributes:
        name: what stands before the colon.
        base_url: the address of its chat-completions API, up to and including /v1.
        key_variable: the environment variable that holds the key.
        url_variable: the provider's usual variable that overrides base_url.
        key_needed: whether calls without a key are pointless.
        free: whether calls cost nothing because the user owns the machine.
    """

    name: str
    base_url: str
    key_variable: str
    url_variable: str
    key_needed: bool = True
    free: bool = False


PRESETS = {
    preset.name: preset
    for preset in (
        Preset("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
        Preset(
            "ollama",
            "http://127.0.0.1:11434/v1",
            "OLLAMA_API_KEY",
            "OLLAMA_HOST",
            key_needed=False,
            free=True,
        ),
        Preset("vllm", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", "VLLM_BASE_URL", key_needed=False, free=True),
    )
}
ANY_SERVER_KEY = "WHYFEEL_API_KEY"  # for http://…#NAME; a provider's own key is never sent to another address
