"""Narrative: tune a language model on your own books, write with it, and see why it wrote each word."""

__version__ = "0.1.0"
