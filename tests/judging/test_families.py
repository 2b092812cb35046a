from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.judging.families import family, same_family


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai:gpt-4o", "gpt"),
        ("openai:chatgpt-4o-latest", "gpt"),
        ("openai:o1", "gpt"),
        ("openai:o3-mini", "gpt"),
        ("openai:o4-mini-2025-04-16", "gpt"),
        ("openai:ft:gpt-4o-mini:somebody::abc", "gpt"),
        ("openrouter:openai/gpt-oss-120b", "gpt"),
        ("anthropic:claude-sonnet-4", "claude"),
        ("gemini:gemini-2.5-pro", "gemini"),
        ("gemini:gemma-3-27b-it", "gemma"),
        ("openrouter:google/gemma-3n-e4b-it", "gemma"),
        ("meta-llama/Llama-3-8B-Instruct", "llama"),
        ("vllm:meta-llama/Meta-Llama-3-8B-Instruct", "llama"),
        ("ollama:llama3.2-vision:11b", "llama"),
        ("ollama:codellama", "llama"),
        ("openrouter:qwen/qwen2.5-vl-72b-instruct", "qwen"),
        ("dashscope:QwQ-32B", "qwen"),
        ("dashscope:qvq-max", "qwen"),
        ("mistral:pixtral-large-latest", "mistral"),
        ("mistral:open-mixtral-8x7b", "mistral"),
        ("together:mistralai/Ministral-8B", "mistral"),
        ("mistral:magistral-small", "mistral"),
        ("mistral:codestral", "mistral"),
        ("openrouter:deepseek/deepseek-r1:free", "deepseek"),
        ("vllm:deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", "deepseek"),
        ("http://10.0.0.1:8000/v1#llava-hf/llava-v1.6-vicuna-7b-hf", "llava"),
        ("http://localhost:8000/v1#llava:34b", "llava"),
        ("vllm:OpenGVLab/InternVL2_5-8B", "internvl"),
        ("ollama:phi4", "phi"),
        ("vllm:microsoft/Phi-3.5-vision-instruct", "phi"),
        ("openrouter:cohere/command-r-plus", "command"),
        ("openrouter:x-ai/grok-4", "grok"),
        ("together:THUDM/glm-4v-9b", "glm"),
        ("vllm:THUDM/chatglm3-6b", "glm"),
        ("local:/models/Llama-3-8B/", "llama"),
        ("local:C:\\models\\qwen2", "qwen"),
    ],
)
def test_the_models_own_name_tells_its_family(model, name):
    assert family(model) == name


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("ollama:bakllava", "bakllava"),
        ("vllm:AIDC-AI/Marco-o1", "marco-o1"),
        ("vllm:meta-llama/Prompt-Guard", "prompt-guard"),
        ("local:/models/philosopher", "philosopher"),
        ("http://h:1/v1#My-Model:v2", "my-model:v2"),
        ("vllm:my-model:v2", "my-model:v2"),
        ("My-Model", "my-model"),
        ("openai:o10", "o10"),
        ("", ""),
    ],
)
def test_an_unknown_model_is_its_own_family(model, name):
    assert family(model) == name


def test_the_same_family():
    assert same_family("openai:gpt-4o", "openrouter:openai/o3")
    assert same_family("vllm:My-Model", "http://h:1/v1#my-model")
    assert not same_family("gemini:gemini-2.5-pro", "gemini:gemma-3-27b-it")
    assert not same_family("vllm:one", "vllm:other")


@given(st.text())
def test_every_name_has_a_family(model):
    assert family(family(model)) is not None
    assert same_family(model, model)
