"""How a draft is to be written."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from narrative.errors import SettingsError, require_choice, require_number, require_whole

STRATEGIES = ("greedy", "top-k", "nucleus")
MOST_DRAFTS = 16
MOST_TOKENS = 4096


@dataclass(frozen=True)
class GenerationSettings:
    """Settings of one write. The names and meanings are transformers' `GenerationConfig`'s."""

    strategy: str = "nucleus"
    """greedy: always the likeliest token. top-k: draw among the `top_k` likeliest. nucleus: draw among the likeliest
    that together hold `top_p` of the probability (Holtzman et al. 2020)."""
    temperature: float = 0.9
    """Divides the logits before the draw: below 1 safer, above 1 bolder. Greedy ignores it."""
    top_k: int = 50
    """How many of the likeliest tokens may be drawn; for top-k only."""
    top_p: float = 0.95
    """How much probability the nucleus holds; for nucleus only."""
    repetition_penalty: float = 1.0
    """Above 1, tokens that already stand in the text get less likely (Keskar et al. 2019, section 4.1)."""
    max_new_tokens: int = 100
    """Longest continuation."""
    drafts: int = 3
    """How many drafts are written side by side."""
    seed: int = 1
    """The same seed and settings give the same drafts."""

    def __post_init__(self) -> None:
        require_choice("strategy", self.strategy, STRATEGIES)
        hint = "For the likeliest word every time choose the strategy 'greedy'."
        require_number("temperature", self.temperature, low=0, high=10, above=True, hint=hint)
        require_whole("top-k", self.top_k, low=1, high=1_000_000)
        require_number("top-p", self.top_p, low=0, high=1, above=True)
        require_number("repetition penalty", self.repetition_penalty, low=0, high=10, above=True)
        require_whole("max new tokens", self.max_new_tokens, low=1, high=MOST_TOKENS)
        require_whole("drafts", self.drafts, low=1, high=MOST_DRAFTS)
        require_whole("seed", self.seed, low=0, high=2**63 - 1)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> GenerationSettings:
        """Unknown fields are refused with their names; missing ones take their defaults."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(stored) - known)
        if unknown:
            raise SettingsError(f"Unknown settings: {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
        return cls(**stored)
