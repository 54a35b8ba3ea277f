"""What a reading says in one JSON value, and in a few plain sentences."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from narrative.commands.output import clean, say

if TYPE_CHECKING:  # types only: torch comes when the options are read and found good
    import numpy as np
    from numpy.typing import NDArray

    from explain.compare import AttentionDifference
    from explain.reading import Look, Opened

VAGUE = {"broad", "other"}  # what heads do that look at nothing in particular
DECIMALS = 7  # of a weight in the JSON: all that float32 knows


def report(opened: Opened, look: Look, compared: AttentionDifference | None, *, full: bool) -> dict[str, Any]:
    """The JSON value."""
    maps, one, roles = opened.maps(look), opened.map(look), opened.roles(opened.map(look).name)
    sides = {each.name: each.labels()[0] for each in maps.maps if each.name != "cross"}
    decoder = maps.map()
    told: dict[str, Any] = {
        "model": opened.model.name, "fingerprint": opened.model.fingerprint, "unit": maps.unit, "part": one.name,
        "tokens": sides if len(sides) > 1 else sides[one.name],
        "prompt_tokens": len(sides["encoder"]) if "encoder" in sides else decoder.query_border,
        "layers": one.layers, "heads": one.heads, "labels": [list(row) for row in roles.names], "strength": _plain(roles.strength),
        "notes": list(opened.notes), "trimmed": opened.passage.trimmed,
    }  # fmt: skip
    if one.hidden is not None:
        told["hidden"] = _plain(one.hidden)
    if full:
        told["attention"] = {each.name: _plain(each.weights) for each in maps.maps}
    if compared is not None:
        told["compared"] = {"model": compared.tuned, "unit": compared.unit, "distance": _plain(compared.distance)}
        if full:
            told["compared"]["difference"] = _plain(compared.map.weights)
    return told


def _plain(values: NDArray[np.float32]) -> Any:
    """Nested lists, without the digits that float32 doesn't have."""
    return values.astype(float).round(DECIMALS).tolist()


def summarise(opened: Opened, look: Look, compared: AttentionDifference | None) -> None:
    """For people: how many heads do what, and which are the most decided."""
    import numpy as np

    one, roles, tokens = opened.map(look), opened.roles(opened.map(look).name), len(opened.pieces.map(opened.map(look).name).queries)
    print(
        f"{clean(opened.model.card.title or opened.model.name)}: {one.layers} layers of {one.heads} heads; {tokens:,} tokens, {one.title}."
    )
    counts = Counter(name for row in roles.names for name in row)
    print(f"What the heads do on this text: {', '.join(f'{count} {name}' for name, count in counts.most_common())}.")
    if not roles.repeats:
        print("No word comes again in this text, so induction can't be seen in it.")
    named = [place for place in np.ndindex(*roles.strength.shape) if roles.names[place[0]][place[1]] not in VAGUE]
    named.sort(key=lambda place: -float(roles.strength[place]))
    if named:
        told = (
            f"layer {layer + 1}, head {head + 1} ({roles.names[layer][head]}, {roles.strength[layer, head]:.2f})" for layer, head in named
        )
        print(f"The most decided: {'; '.join(islice(told, 3))}.")
    if one.hidden is not None:
        print(one.left_out)
    if compared is not None:
        changed = most_changed(look, compared)
        share = f"{compared.distance.max():.1%}".replace("%", " %")
        print(
            f"Under {clean(compared.tuned)} layer {changed.layer + 1}, head {(changed.head or 0) + 1} moved most: {share} of its attention."
        )
    say("Attention is where a model looks, not proof of why. --html FILE draws it, --csv FILE and --json give the numbers.")


def most_changed(look: Look, compared: AttentionDifference) -> Look:
    """The same look at the head that moved most."""
    layer, head = divmod(int(compared.distance.argmax()), compared.distance.shape[1])
    return replace(look, layer=layer, head=head)
