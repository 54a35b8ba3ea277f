"""Fields for the settings of the methods; which of them are shown follows the method that is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from explain.method import TUNNELS, MethodSettings


@dataclass(frozen=True)
class Dial:
    """low, high and step are what the field suggests; what is allowed is `MethodSettings`'s own."""

    label: str
    help: str
    low: float = 1
    high: float = 1000
    step: float = 1


DIALS = {
    "steps": Dial("Steps", "Points on the way from the baseline to the text; more are read where the scores don't add up.", 2, 512),
    "samples": Dial("Samples", "How many draws; 0 takes the method's own number.", 0, 5000),
    "window": Dial("Window", "How many neighbouring words are taken away together.", 1, 12),
    "noise_rate": Dial("Noise rate", "How much large noise is rewarded against a changed output.", 0.01, 1, 0.01),
    "noise_steps": Dial("Noise steps", "Steps of the search for the noise.", 20, 1000),
    "noise_seeds": Dial("Noise runs", "Runs that are averaged; with two or more, their spread is shown.", 1, 10),
    "seed": Dial("Seed", "Of all that is drawn by chance.", 0, 999_999),
    "tunnel_samples": Dial("Noisy texts", "How many noisy texts NoiseTunnel averages over.", 2, 64),
    "tunnel_noise": Dial("Noise", "Spread of that noise, in spreads of the model's own word vectors.", 0.01, 1, 0.01),
}


def dials() -> str:
    """One field a setting, each with its help."""
    usual = MethodSettings()
    fields = "".join(
        f'<label class="field dial" data-setting="{name}" title="{escape(dial.help)}" hidden>{escape(dial.label)}'
        f'<input type="number" name="{name}" min="{dial.low:g}" max="{dial.high:g}" step="{dial.step:g}" '
        f'value="{getattr(usual, name):g}" data-usual="{getattr(usual, name):g}"></label>'
        for name, dial in DIALS.items()
    )
    choices = "".join(f'<option value="{name}">{escape(title)}</option>' for name, title in TUNNELS.items())
    layers = (
        '<label class="switch dial" data-setting="noise_layers" hidden><input type="checkbox" role="switch" name="noise_layers" checked>'
        "<span>Layer by layer too</span></label>"
    )
    tunnel = (
        '<label class="field dial" data-setting="tunnel" hidden>Through noise (NoiseTunnel)'
        f'<select name="tunnel">{choices}</select></label>'
    )
    return f'{tunnel}<div class="dials">{fields}</div>{layers}'
