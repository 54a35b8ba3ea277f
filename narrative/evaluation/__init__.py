"""How good is a model, and what did it write?"""

from narrative.evaluation.perplexity import TextScore, score_texts

__all__ = ["TextScore", "score_texts"]
