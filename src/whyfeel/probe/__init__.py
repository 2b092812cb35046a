"""What a model's hidden states tell: probes by layer and by token, on labelled texts or pictures. docs/probing.md."""

from whyfeel.probe.options import ProbeOptions
from whyfeel.probe.study import probe

__all__ = ["ProbeOptions", "probe"]
