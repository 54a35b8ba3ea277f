"""How many tokens a text has for a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Counter = Callable[[Sequence[str]], list[int]]


def token_counter(model: str) -> Counter:
    """A function from texts to their numbers of tokens, special tokens not counted. Raises `ModelError` for an unknown model."""
    from narrative.models.loading import at_hand  # torch comes with it: only a build that counts tokens waits for that
    from narrative.models.sources import adapter_base, is_adapter, locate, split_adapter
    from narrative.models.vocabulary import load_tokenizer

    name, _ = split_adapter(model)
    folder = at_hand(locate(name), _quietly).local()
    if is_adapter(folder):
        folder = at_hand(locate(adapter_base(folder)), _quietly).local()
    tokenizer = load_tokenizer(folder)

    def count(texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]] if texts else []

    return count


def _quietly(_sentence: str, _share: float) -> None:
    """A tokenizer is small: nobody has to be told of it."""
