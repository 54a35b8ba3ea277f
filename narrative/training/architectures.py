"""The numbers of a model built from scratch, and the sizes that have a name."""

from __future__ import annotations

from dataclasses import dataclass

from narrative.errors import SettingsError, require_choice, require_whole

FAMILIES = ("gpt2", "gpt_neo", "llama", "t5")


@dataclass(frozen=True)
class Architecture:
    """A transformer built from scratch: GPT-2 (Radford et al. 2019, section 2.3) or one of its relatives."""

    family: str = "gpt2"
    """gpt2, gpt_neo (every other layer looks back 256 tokens only), llama (rotary positions, gated layers), or t5 (encoder
    and decoder, `layers` of each)."""
    layers: int = 5
    """Transformer blocks."""
    heads: int = 8
    """Attention heads in each block; must divide `width`."""
    width: int = 256
    """Size of a token's vector."""
    vocabulary: int = 4096
    """Tokens of the byte-level BPE that is trained on the corpora."""
    context: int = 512
    """Longest text the model can read, in tokens."""

    def __post_init__(self) -> None:
        require_choice("family", self.family, FAMILIES)
        require_whole("layers", self.layers, low=1, high=96)
        require_whole("heads", self.heads, low=1, high=128)
        require_whole("width", self.width, low=8, high=16384)
        require_whole("vocabulary", self.vocabulary, low=257, high=1_000_000, hint="256 bytes and the end-of-text token are the least.")
        require_whole("context", self.context, low=8, high=131_072)
        if self.width % self.heads:
            raise SettingsError(f"Width {self.width} can't be shared out among {self.heads} heads; choose a multiple of {self.heads}.")
        if self.family == "llama" and self.width // self.heads % 2:
            raise SettingsError(f"A llama's head must be even: width {self.width} over {self.heads} heads is {self.width // self.heads}.")

    @property
    def parameters(self) -> int:
        """About how many weights: 12 width² a block (24 with an encoder), and the vectors of tokens and positions."""
        blocks = self.layers * 12 * self.width**2 * (2 if self.family == "t5" else 1)
        positions = self.context * self.width if self.family in ("gpt2", "gpt_neo") else 0
        return blocks + self.vocabulary * self.width + positions


SIZES: dict[str, Architecture] = {
    "5m": Architecture(),
    "30m": Architecture(layers=8, heads=8, width=512, vocabulary=8192, context=512),
    "110m": Architecture(layers=12, heads=12, width=768, vocabulary=32_000, context=1024),
    "340m": Architecture(layers=24, heads=16, width=1024, vocabulary=32_000, context=1024),
    "770m": Architecture(layers=36, heads=20, width=1280, vocabulary=32_000, context=1024),
}
"""Named for their parameters. 110m and 340m have the layers and widths of GPT-2 small and medium."""
