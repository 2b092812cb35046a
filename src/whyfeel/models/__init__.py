"""What can answer an ask: servers, models in this process, and the memory of an earlier run."""

from whyfeel.models.batched import Batched
from whyfeel.models.endpoint import Deadlines, Endpoint
from whyfeel.models.local import Local
from whyfeel.models.presets import ANY_SERVER_KEY
from whyfeel.models.prices import Prices, load_prices
from whyfeel.models.registry import PresetState, build_model, declared_name, preset_states
from whyfeel.models.replay import Replay
from whyfeel.models.scripted import Scripted

__all__ = [
    "ANY_SERVER_KEY",
    "Batched",
    "Deadlines",
    "Endpoint",
    "Local",
    "PresetState",
    "Prices",
    "Replay",
    "Scripted",
    "build_model",
    "declared_name",
    "load_prices",
    "preset_states",
]
