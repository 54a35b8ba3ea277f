"""Asking which words drove a text, without a page: what is asked, what was found, and what is kept of it."""

from explain.asking.ask import NEXT, SPAN, WHOLE, Ask
from explain.asking.background import Working, finished
from explain.asking.comparing import Comparison, compare
from explain.asking.desk import Text, WordDesk

__all__ = ["NEXT", "SPAN", "WHOLE", "Ask", "Comparison", "Text", "WordDesk", "Working", "compare", "finished"]
