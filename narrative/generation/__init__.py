"""Writing with a model: drafts that stream with the probability of every token."""

from narrative.generation.draft import Alternative, Draft, Token
from narrative.generation.settings import GenerationSettings

__all__ = ["Alternative", "Draft", "GenerationSettings", "Token"]
