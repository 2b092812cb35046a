"""Which family a model belongs to, by its name: a judge tends to favour its own kind."""

from __future__ import annotations

import re

# Family to the words that name it; a word may be followed by digits or a mark, never by a letter.
_WORDS = {
    "gpt": "gpt chatgpt",
    "claude": "claude",
    "gemini": "gemini",
    "gemma": "gemma codegemma paligemma medgemma shieldgemma",
    "llama": "llama codellama tinyllama",
    "qwen": "qwen codeqwen qwq qvq",
    "mistral": "mistral mixtral pixtral ministral magistral codestral devstral",
    "deepseek": "deepseek",
    "llava": "llava",
    "internvl": "internvl",
    "phi": "phi",
    "command": "command",
    "grok": "grok",
    "glm": "glm chatglm cogvlm",
    "minicpm": "minicpm",
    "minigpt": "minigpt",
    "molmo": "molmo",
    "nova": "nova",
    "kimi": "kimi",
    "yi": "yi",
}
_FAMILIES = {word: family for family, words in _WORDS.items() for word in words.split()}
_NAMED = re.compile(rf"(?<![a-z])({'|'.join(_FAMILIES)})(?![a-z])")
_O_SERIES = re.compile(r"o[134](?![a-z0-9])")


def family(model: str) -> str:
    """The family of a model, or its own name in lower case where it is of none that is known.

    What stands before the name proper (provider, address, path, owner) decides nothing, unless the name tells nothing:
    what `mistral:` serves under any name is Mistral's. Of two families in a name the first counts.

    Args:
        model: a name as it is given to `--model`, or as a server reports it.

    >>> family("openrouter:qwen/qwen2.5-vl-72b-instruct"), family("meta-llama/Llama-3-8B-Instruct")
    ('qwen', 'llama')
    >>> family("http://127.0.0.1:8000/v1#My-Model"), family("openai:o3-mini"), family("ollama:llama3.2:latest")
    ('my-model', 'gpt', 'llama')
    """
    name = re.split(r"[/\\#]", model.strip().casefold().rstrip("/\\"))[-1]
    parts = name.split(":")
    for part in reversed(parts):
        if (found := _NAMED.search(part)) is not None:
            return _FAMILIES[found[1]]
        if _O_SERIES.match(part):
            return "gpt"
    return ":".join(parts[1:]) if "#" not in model and len(parts) > 1 else name


def same_family(one: str, other: str) -> bool:
    """Whether two models are of one family.

    >>> same_family("openai:gpt-4o", "openrouter:openai/o1")
    True
    """
    return family(one) == family(other)
