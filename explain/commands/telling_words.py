"""What a map of words says in one JSON value, and in a few plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from narrative.commands.output import clean, say

if TYPE_CHECKING:  # types only: torch comes when the options are read and found good
    from explain.faithfulness import Faithfulness
    from explain.importance import WordImportance

_TOP = 8  # words that are named in the summary


def report(importance: WordImportance, faithfulness: Faithfulness | None, notes: Sequence[str]) -> dict[str, Any]:
    """The JSON value; scores in nats of log-probability where the direction says so."""
    from explain.importance import DIRECTIONS

    question = importance.question
    prompt, own = importance.shares()
    told: dict[str, Any] = {
        "model": question.passage.model, "fingerprint": question.passage.fingerprint, "method": importance.method,
        "target": question.label, "contrast": question.instead_label or None, "unit": importance.unit,
        "words": [word.label for word in importance.words], "scores": importance.scores.tolist(),
        "counted": importance.counted().tolist(),
        "prompt_words": sum(word.start < question.written_from for word in importance.words),
        "direction": importance.direction, "direction_means": DIRECTIONS[importance.direction], "before": importance.before,
        "baseline": importance.baseline or None, "checks": dict(importance.checks), "shares": {"prompt": prompt, "own": own},
        "settings": dict(importance.settings), "spread": None if importance.spread is None else importance.spread.tolist(),
        "layers": None if importance.layers is None else importance.layers.tolist(), "notes": list(notes),
    }  # fmt: skip
    if faithfulness is not None:
        told["faithfulness"] = faithfulness.to_json()
    return told


def summarise(importance: WordImportance, faithfulness: Faithfulness | None) -> None:
    """For people: what drove the target, the words that did most, and what their numbers mean."""
    from explain.importance import DIRECTIONS
    from explain.word_views.sentences import method_title, named, number, question_line, sentence_of

    print(clean(f"{question_line(importance)} {method_title(importance)}: {sentence_of(importance)}"))
    weight = importance.weight()
    places = [place for place in (-weight).argsort(kind="stable")[:_TOP].tolist() if weight[place] > 0]
    scores = [number(float(importance.scores[place]), signed=importance.signed) for place in places]
    width = max(map(len, scores), default=0)
    for place, score in zip(places, scores, strict=True):
        print(clean(f"  {score:>{width}}  {named(importance, place)}"))
    taken = f" What stands in for a word: {importance.baseline}." if importance.baseline else ""
    print(f"The numbers: {DIRECTIONS[importance.direction]}.{taken}")
    if faithfulness is not None:
        print(clean(faithfulness.sentence))
    say("One method's view of one model, not proof of why. --check holds it against the model; --html, --csv and --json give all of it.")
