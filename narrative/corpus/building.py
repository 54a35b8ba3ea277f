"""What the keeper decides about a build, and how far one has come."""

from __future__ import annotations

from dataclasses import dataclass

from narrative.corpus.cleaning import RULES
from narrative.errors import SettingsError, require_choice, require_number, require_whole

SPLIT_BY = ("auto", "book", "record")
STAGES = ("reading", "cleaning", "comparing", "splitting", "writing")


@dataclass(frozen=True)
class BuildSettings:
    """Everything that decides what a shelf becomes; the same shelf and settings give the same corpus."""

    rules: tuple[str, ...] = tuple(name for name, rule in RULES.items() if rule.on)
    """Cleaning rules that are applied; see `narrative.corpus.cleaning`."""
    duplicates: float = 0.8
    """Similarity (Jaccard, of runs of five words) from which a passage that stands in two files is kept once; 0 keeps all."""
    test_share: float = 0.1
    """Share of the words (of the rows, for tables) that is held back for testing."""
    split_by: str = "auto"
    """book: whole books on one side. record: each row by itself. auto: rows of tables by themselves, all else by book."""
    stratify: str = ""
    """The column whose values are shared out evenly between the sides; `label` when a table has one and none is given."""
    quality: float = 0.0
    """Records under this quality score are left out; 0 keeps all. The children's-story system took 0.7."""
    sample: int | None = None
    """Records drawn from those that are left; all when not given."""
    seed: int = 0
    """Decides which texts are held back and which are sampled."""
    tokenizer: str = ""
    """The model whose tokens the report counts; none when empty."""
    origin: str = ""
    """Where the texts come from, for the card of a model that learns from them."""
    licence: str = "not stated"
    """The texts' licence."""

    def __post_init__(self) -> None:
        for rule in self.rules:
            require_choice("cleaning rule", rule, RULES)
        require_choice("split by", self.split_by, SPLIT_BY)
        require_number("test share", self.test_share, low=0, high=0.9)
        require_number("quality", self.quality, low=0, high=1)
        require_number("duplicates", self.duplicates, low=0, high=1)
        if 0 < self.duplicates < LEAST_SIMILARITY:
            raise SettingsError(f"Duplicates is {self.duplicates:g}; it must be 0 (off) or from {LEAST_SIMILARITY:g} to 1.")
        if self.sample is not None:
            require_whole("sample", self.sample, low=1, high=1_000_000_000)
        require_whole("seed", self.seed, low=0, high=2**32 - 1)


LEAST_SIMILARITY = 0.6  # below it the banding misses a third of the pairs


@dataclass(frozen=True)
class Progress:
    """One piece of news from a build."""

    stage: str  # one of STAGES
    done: int
    total: int  # 0 when it isn't known yet
    detail: str = ""
