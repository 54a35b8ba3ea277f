"""All checks of one map."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from explain.faithfulness.agreement import agreements, title_of
from explain.faithfulness.erasing import FEWEST, Erasing, removable, removing, replacing
from explain.faithfulness.infidelity import infidelity_measure
from explain.faithfulness.randomised import randomised_agreement
from explain.faithfulness.report import LOWER, Faithfulness, Measure
from explain.faithfulness.settings import CheckSettings
from explain.faithfulness.steadiness import MOST_SAMPLES, sensitivity_measure
from explain.faithfulness.trial import STEPS, Trial
from explain.faithfulness.wording import completeness, verdict
from explain.importance import RAISES, WordImportance
from explain.method import MethodSettings
from explain.methods import METHODS, estimate
from explain.scorer import Scorer
from narrative.errors import ExplainError, require_choice
from narrative.models import LanguageModel

_SAME = 0.01  # nats, and share: of the log-probability that the map was made for; another machine rounds otherwise
_THOROUGH = "thorough"
MOST_ROWS = 1000  # of a map that is made several times over
_PATIENCE = 4  # times the rows of the map, and `MOST_ROWS`: so many may that of shuffled weights take
Tick = Callable[[int], None]
Said = tuple[Measure | None, str]  # a measure, or why it is left out


def check_map(
    model: LanguageModel,
    importance: WordImportance,
    *,
    settings: CheckSettings | None = None,
    others: Sequence[WordImportance] = (),
    baseline: str = "mean",
    tick: Tick = lambda _: None,
) -> Faithfulness:
    """Whether `importance`, which `model` gave, tells the truth. `others`: maps of the same words and target by other methods.

    `baseline` is the one that the map was made with. `tick` hears of every row read, and may raise to stop the work. Raises
    `ExplainError` for a map of another model, of a single word, or that can't be compared with one of the others.
    """
    settings = settings or CheckSettings()
    require_choice("method", importance.method, METHODS)
    if importance.counted().sum() < FEWEST:
        raise ExplainError("Only one word could be taken away here, so that there is no order of words to check. Choose a later word.")
    agreement = agreements(importance, others)
    scorer = Scorer(model, importance.question, baseline=baseline, tick=tick)
    if not math.isclose(scorer.original(), importance.before, rel_tol=_SAME, abs_tol=_SAME):
        raise ExplainError(f"This map was made by another model than {model.name}, or before it was changed. Make it anew, then check it.")
    replaced = replacing(scorer, importance)
    removed, notes = removing(scorer, importance)
    ranking, title = importance.ranking(), scorer.baseline.title
    trials = [Trial(one, ranking, settings, instead_of_word=title) for one in (replaced, removed) if one]
    said = [_infidelity(replaced, importance, settings), _sensitivity(scorer, importance, settings), _completeness(importance)]
    randomised, shuffle_note = _randomised(model, importance, settings, baseline=baseline, tick=tick)
    measures = (*(one for trial in trials for one in trial.measures()), *(one for one, _ in said if one))
    about = (*_about(importance, title), *notes, *(note for _, note in said), shuffle_note, *_orderless(agreement))
    return Faithfulness(
        measures, tuple(one for trial in trials for one in trial.curves()), agreement, randomised, tuple(note for note in about if note),
        verdict(measures, {title_of(name): value for name, value in agreement.items()}, randomised),
    )  # fmt: skip


def check_passes(importance: WordImportance, settings: CheckSettings | None = None) -> float:
    """About how many rows `check_map` reads, for whoever shows how far it is."""
    settings = settings or CheckSettings()
    words, before = int(importance.counted().sum()), len(removable(importance))
    orders, most = 4 + settings.randoms, STEPS + len(settings.shares)
    erased = sum(min(one, most) * orders + one for one in (words, before))
    blurred = 1 + min(MOST_SAMPLES, settings.perturbations) if _bearable(importance) else 0
    return erased + settings.perturbations + _passes(importance) * (blurred + int(settings.randomise))


def _passes(importance: WordImportance) -> float:
    """About how many rows the map took."""
    settings = MethodSettings.of(importance.settings)
    if "steps" in importance.checks:  # of Integrated Gradients: what it came to
        settings = replace(settings, steps=max(settings.steps, int(importance.checks["steps"])))
    counted = int(importance.counted().sum())
    return estimate(importance.method, counted, settings, contrast=bool(importance.question.instead))


def _bearable(importance: WordImportance) -> bool:
    """Whether the map can be made several times over."""
    return METHODS[importance.method].pace != _THOROUGH and _passes(importance) <= MOST_ROWS


def _infidelity(erasing: Erasing, importance: WordImportance, settings: CheckSettings) -> Said:
    if importance.direction != RAISES:
        return None, "Infidelity is left out: this map's scores are no nats, so that their sum foretells no change."
    target = importance.question.target
    return infidelity_measure(erasing, importance.scores, settings, per=target.stop - target.start), ""


def _sensitivity(scorer: Scorer, importance: WordImportance, settings: CheckSettings) -> Said:
    if not _bearable(importance):
        return None, "Sensitivity is left out: it makes the map several times over, and that would take too long here."
    return sensitivity_measure(scorer, importance, samples=settings.perturbations, seed=settings.seed), ""


def _completeness(importance: WordImportance) -> Said:
    if "completeness_error" not in importance.checks:
        return None, ""
    sentence = completeness(importance.checks)
    value = importance.checks["completeness_error"]
    return Measure("completeness", "Scores that add up", "", value, None, None, None, None, LOWER, sentence), ""


def _randomised(
    model: LanguageModel, importance: WordImportance, settings: CheckSettings, *, baseline: str, tick: Tick
) -> tuple[float | None, str]:  # fmt: skip
    if not settings.randomise:
        return None, ""
    rows = _PATIENCE * _passes(importance) + MOST_ROWS
    return randomised_agreement(model, importance, seed=settings.seed, rows=rows, baseline=baseline, tick=tick)


def _about(importance: WordImportance, title: str) -> Iterator[str]:
    """What is to be known of this map before its numbers are read."""
    if importance.baseline and importance.baseline != title:
        yield f"The map puts {importance.baseline} in a word's place, these checks {title}."
    if importance.question.instead:
        asked, instead = importance.question.label, importance.question.instead_label
        yield f"All log-probabilities here are those of “{asked}” minus those of “{instead}”."
    if np.ptp(importance.ranking()[importance.counted()]) == 0:
        yield "This map gives every word the same score: its order is one of chance."
    if importance.method == "ablation":
        yield "This map leaves out each word alone, and so does the order that maps are held against: by replacement the two are one."
    if not importance.signed:
        yield "This method can't tell for from against: its top words may include some that spoke against the target."
    if importance.direction == RAISES and not importance.baseline:
        yield "This method promises no sums: that its scores add up to losses (infidelity) is more than it claims."


def _orderless(agreement: Mapping[str, float]) -> Iterator[str]:
    for name, value in agreement.items():
        if math.isnan(value):
            yield f"The order of {title_of(name)} can't be compared: it, or this map, gives all words the same score."
