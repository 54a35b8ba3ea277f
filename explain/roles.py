"""What each head does on this text: it looks at the word before, at the same word, at what came next last time, ..."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from explain.results import CROSS, AttentionMap
from narrative.errors import ExplainError, require_whole

LEAST_STRENGTH = 0.25  # a role is named from here on: a quarter of the attention beyond what an even look would give
LEAST_SPREAD = 0.85  # of the entropy that an even look would have
_CERTAIN = 3.0  # standard deviations above chance, so that in short texts no head gets a name by luck
_LEAST_WORDS = 4  # in fewer words all roles look the same

Table = NDArray[np.bool_]  # (query, key)


@dataclass(frozen=True, eq=False)
class HeadRoles:
    """One role for each head, for one text: another text may show another one."""

    names: tuple[tuple[str, ...], ...]  # (layer, head), keys of ROLES
    strength: NDArray[np.float32]  # (layer, head), 0..1: 0 is what an even look would give, 1 nothing else; 0 for "other"
    repeats: bool  # whether induction could be seen: words come again, and something follows their earlier appearance


class Glance(NamedTuple):
    """Where one head looks from one word."""

    layer: int
    head: int
    targets: tuple[tuple[int, float], ...]  # keys with their weights, strongest first


@dataclass(frozen=True, eq=False)
class _Words:
    """Words as numbers, equal for the same word. What can't come again (punctuation, signs of the model) has a number of its own."""

    queries: NDArray[np.int64]
    keys: NDArray[np.int64]
    itself: bool  # queries and keys are one text

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.queries), len(self.keys)


def _previous(words: _Words) -> Table:
    return np.eye(*words.shape, k=-1, dtype=bool) & words.itself


def _next(words: _Words) -> Table:
    return np.eye(*words.shape, k=1, dtype=bool) & words.itself


def _same(words: _Words) -> Table:
    return np.equal(words.queries[:, None], words.keys[None, :])


def _after_same(words: _Words) -> Table:
    """Keys that follow an appearance of the query's word: in its own text an earlier one, in another text any."""
    before = _same(words)
    if words.itself:
        before = np.tril(before, k=-1)
    after = np.zeros_like(before)
    after[:, 1:] = before[:, :-1]
    return after


def _first(words: _Words) -> Table:
    table = np.zeros(words.shape, dtype=bool)
    table[:, 0] = True
    return table


@dataclass(frozen=True)
class Role:
    """One habit of a head, in an editor's words. `targets`: the keys that it looks at, for roles that are known by these."""

    title: str
    sentence: str
    targets: Callable[[_Words], Table] | None = None


PREVIOUS, NEXT, SAME, INDUCTION, FIRST, BROAD, OTHER = (
    "previous word", "next word", "same word", "induction", "first word", "broad", "other",
)  # fmt: skip
ROLES = {
    PREVIOUS: Role("Previous word", "It looks at the word just before.", _previous),
    NEXT: Role("Next word", "It looks at the word just after, which only an encoder can.", _next),
    SAME: Role("Same word", "It looks at the word itself, or at the same word where it stands elsewhere.", _same),
    INDUCTION: Role("Induction", "From a word that stood before, it looks at the word that came after it then.", _after_same),
    FIRST: Role("First word", "It rests on the first word, as heads do that find nothing to look at.", _first),
    BROAD: Role("Broad", "It spreads its look almost evenly over all words."),
    OTHER: Role("Other", "It does something else, or nothing that this text shows clearly."),
}


def head_roles(one: AttentionMap) -> HeadRoles:
    """The role of each head on a map by words, its first word in sight (`ExplainError` when that is left out).

    A role's score is the mean weight on its targets over the queries that have any; its strength sets that against `chance`,
    what an even look over the same words would give: (score - chance) / (1 - chance), not below 0. A query counts for no
    role whose targets there are partly another role's too: the second word's previous word is the first word. The strongest
    role from `LEAST_STRENGTH` on is named, if a head that looks at one random word each time would hardly ever score as much
    (three standard deviations; in short texts this asks for more than the least strength).
    Heads rest on the first word when they find nothing (Xiao et al. 2024, "Efficient streaming language models with attention
    sinks"), so "first word" yields to a role that is stronger wherever it has a chance; so an induction head (Olsson et al.
    2022, "In-context learning and induction heads") is found in a text with few repeated words. Otherwise a head is "broad"
    when the entropy of its rows, divided by that of an even look, is `LEAST_SPREAD` on average, or "other"; in texts of fewer
    than four words all are. Windows of local attention are not taken into account: a head that can't see far is compared
    with one that can.
    """
    if one.hidden is not None:
        raise ExplainError("What heads do is told with the first word in sight: don't leave it out of the attention.")
    layers, heads = one.weights.shape[:2]
    strength, label = np.zeros((layers, heads), np.float32), np.full((layers, heads), OTHER, dtype=object)
    repeats = False
    if min(len(one.queries), len(one.keys)) >= _LEAST_WORDS:
        known = _Patterns.of(one)
        repeats = bool(known.least[known.names.index(INDUCTION)] <= 1)
        label, strength = _choose(known, one)
    return HeadRoles(tuple(tuple(row) for row in label.tolist()), strength, repeats)


@dataclass(frozen=True, eq=False)
class _Patterns:
    """The targets of the roles that have any, with the queries on which they can be told from each other."""

    names: tuple[str, ...]
    targets: NDArray[np.float32]  # (role, query, key), 1 on targets; queries that don't count for the role are 0
    counted: Table  # (role, query)
    chance: NDArray[np.float32]  # (role): the score of a head that looks evenly at all it may see
    least: NDArray[np.float32]  # (role): the score that luck hardly reaches; above 1 where this text can't show the role

    @classmethod
    def of(cls, one: AttentionMap) -> _Patterns:
        words, seen = _words(one), _seen(one)
        known = {name: role.targets for name, role in ROLES.items() if role.targets is not None}
        tables = np.stack([targets(words) & seen for targets in known.values()])
        shared = (tables & (tables.sum(0) > 1)).any(-1)
        counted = tables.any(-1) & ~shared
        targets = (tables & counted[:, :, None]).astype(np.float32)
        even, often = targets.sum(-1) / seen.sum(-1), np.maximum(counted.sum(-1), 1)
        chance = even.sum(-1) / often
        least = chance + _CERTAIN * np.sqrt((even * (1 - even)).sum(-1)) / often
        least = np.where(counted.any(-1), least, np.inf)
        return cls(tuple(known), targets, counted, chance.astype(np.float32), least.astype(np.float32))

    def scores(self, weights: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(role, head): mean weight on the targets, and on the first word, over the queries that count for the role.

        weights: (head, query, key), of all layers.
        """
        often = np.maximum(self.counted.sum(-1), 1)[:, None].astype(np.float32)
        flat = weights.reshape(len(weights), -1)
        found = self.targets.reshape(len(self.targets), -1) @ flat.T
        resting = self.counted.astype(np.float32) @ weights[:, :, 0].T
        return found / often, resting / often


def _choose(known: _Patterns, one: AttentionMap) -> tuple[NDArray[np.object_], NDArray[np.float32]]:
    """The name and the strength of the role of each head, (layer, head)."""
    shape = one.weights.shape
    weights = one.weights.reshape(-1, *shape[2:])
    score, resting = known.scores(weights)
    chance = known.chance[:, None]
    strength = np.clip((score - chance) / np.maximum(1 - chance, 1e-6), 0, 1)
    first = known.names.index(FIRST)
    named = (strength >= LEAST_STRENGTH) & (score >= known.least[:, None] - 1e-6)
    named[first] &= ~(np.delete(named & (score > resting), first, axis=0)).any(0)
    named &= (score > resting) | (np.arange(len(score)) == first)[:, None]
    spread = _spread(weights, one)
    clear = np.where(named, strength, 0)
    best, some = clear.argmax(0), named.any(0)
    broad = ~some & (spread >= LEAST_SPREAD)
    label = np.where(some, np.array(known.names, dtype=object)[best], np.where(broad, BROAD, OTHER))
    shown = np.where(some, clear.max(0), np.where(broad, spread, 0))
    return label.reshape(shape[:2]), shown.reshape(shape[:2]).astype(np.float32)


def _spread(weights: NDArray[np.float32], one: AttentionMap) -> NDArray[np.float32]:
    """(head), 0..1: entropy of a row divided by that of an even look, mean over the queries that have a choice."""
    most = np.log(_seen(one).sum(-1))
    choice = most > 0
    logs = np.maximum(weights, np.float32(1e-30))
    entropy = -np.einsum("hqk,hqk->hq", weights, np.log(logs, out=logs))
    return np.asarray((entropy[:, choice] / most[choice]).mean(-1), dtype=np.float32)


def _seen(one: AttentionMap) -> Table:
    """What each query may see."""
    everything = np.ones((len(one.queries), len(one.keys)), dtype=bool)
    return np.tril(everything) if one.causal else everything


def _words(one: AttentionMap) -> _Words:
    numbers: dict[str, int] = {}
    queries, keys = one.labels()
    looking = _numbered(queries, numbers)
    if one.name != CROSS:
        return _Words(looking, looking, itself=True)
    return _Words(looking, _numbered(keys, numbers, below=-len(queries)), itself=False)


def _numbered(labels: Sequence[str], numbers: dict[str, int], *, below: int = 0) -> NDArray[np.int64]:
    """The same number from 0 on for the same word, whatever its case; numbers under `below` for what is no word."""
    return np.array(
        [numbers.setdefault(label.casefold(), len(numbers)) if _is_word(label) else below - 1 - place for place, label in enumerate(labels)]
    )


def _is_word(label: str) -> bool:
    return any(character.isalnum() for character in label) and not (label.startswith("<") and label.endswith(">"))


def glances(one: AttentionMap, query: int, *, most: int = 12, targets: int = 3) -> tuple[Glance, ...]:
    """Where heads look from the word `query` (from 0): the `most` heads that look most decidedly elsewhere, each with its strongest keys.

    Elsewhere is neither the word itself nor the first word. Keys without any weight are left out. Raises `SettingsError` for
    a word that isn't there.
    """
    require_whole("the word", query + 1, low=1, high=len(one.queries))
    rows = one.weights[:, :, query].reshape(-1, len(one.keys))
    elsewhere = rows.copy()
    elsewhere[:, 0] = 0
    if one.name != CROSS:
        elsewhere[:, query] = 0
    most_elsewhere = elsewhere.max(-1)
    decided = [place for place in np.argsort(-most_elsewhere, kind="stable")[:most] if most_elsewhere[place] > 0]
    return tuple(Glance(*divmod(int(place), one.heads), _strongest(rows[place], targets)) for place in decided)


def _strongest(row: NDArray[np.float32], most: int) -> tuple[tuple[int, float], ...]:
    ranked = np.argsort(-row, kind="stable")[:most]
    return tuple((int(key), float(row[key])) for key in ranked if row[key] > 0)
