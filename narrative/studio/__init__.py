"""The studio: models, drafts and books brought together, without a page."""

from narrative.studio.bookshelf import Bookshelf
from narrative.studio.errands import News
from narrative.studio.leafing import Leaf, Place
from narrative.studio.studio import Progress, Run, Stage, Studio
from narrative.studio.uploads import Upload
from narrative.studio.words import brief, new_seed, why_stopped, word_of

__all__ = [
    "Bookshelf", "Leaf", "News", "Place", "Progress", "Run", "Stage", "Studio", "Upload", "brief", "new_seed", "why_stopped", "word_of",
]  # fmt: skip
