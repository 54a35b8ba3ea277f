"""The studio: a model, a seed text and the store brought together, without a page."""

from narrative.studio.studio import Progress, Run, Stage, Studio
from narrative.studio.words import brief, new_seed, why_stopped, word_of

__all__ = ["Progress", "Run", "Stage", "Studio", "brief", "new_seed", "why_stopped", "word_of"]
