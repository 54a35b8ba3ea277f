"""Looking at a passage, without a page: what is chosen, what was captured, and what is drawn of it."""

from explain.reading.about import WordReport, about_word
from explain.reading.desk import Desk, Opened, Source, captured, passage_again, passage_for
from explain.reading.look import VIEWS, Look
from explain.reading.picture import Picture, draw_picture

__all__ = [
    "VIEWS", "Desk", "Look", "Opened", "Picture", "Source", "WordReport", "about_word", "captured", "draw_picture", "passage_again",
    "passage_for",
]  # fmt: skip
