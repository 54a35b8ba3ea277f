"""Writing with a model: drafts that stream with the probability of every token."""

from narrative.generation.draft import Alternative, Draft, Token
from narrative.generation.generate import Generation, Step, generate, regenerate
from narrative.generation.report import draft_report
from narrative.generation.settings import GenerationSettings

__all__ = ["Alternative", "Draft", "Generation", "GenerationSettings", "Step", "Token", "draft_report", "generate", "regenerate"]
