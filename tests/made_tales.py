"""Little tales to learn from, made up by a seeded draw."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from narrative.corpus import Corpus, write_corpus
from narrative.formats import Record

WHO = ("the fox", "an old woman", "the king", "a small boy", "the gardener", "my sister")
DID = ("walked to the sea", "opened the door", "wrote a letter", "laughed", "lost the key", "found a wooden boat")
TAGS = ("Dialogue", "Twist", "Conflict", "MoralValue")
MOODS = ("happy", "sad")


def stories(name: str, *, count: int, seed: int) -> Iterator[Record]:
    draw = random.Random(f"{name} {seed}")
    for number in range(count):
        text = " ".join(f"Then {draw.choice(WHO)} {draw.choice(DID)}." for _ in range(draw.randint(3, 9)))
        yield Record(f"{name}-{seed}-{number}", f"{name} {seed}", "", "", f"Once upon a time “there” was {draw.choice(WHO)}. {text}")


def write_tales(folder: Path, name: str, *, count: int = 120) -> Corpus:
    train_side, test_side = stories(name, count=count, seed=1), stories(name, count=17, seed=2)
    return write_corpus(name, train=train_side, test=test_side, origin="made up", licence="CC0-1.0", folder=folder / name)


def labelled(name: str, *, count: int, seed: int) -> Iterator[Record]:
    """Tales whose last words tell their mood, with metadata: gid, tags, label."""
    draw = random.Random(f"{name} {seed} labels")
    for number, story in enumerate(stories(name, count=count, seed=seed)):
        mood = draw.choice(MOODS)
        text = f"Here was {draw.choice(WHO)}.\n\nAll were {mood}."
        metadata = {"gid": str(1000 + number), "tags": ", ".join(draw.sample(TAGS, 2)), "label": mood}
        yield replace(story, text=text, metadata=metadata)


def write_labelled(folder: Path, name: str, *, count: int = 60) -> Corpus:
    train_side, test_side = labelled(name, count=count, seed=1), labelled(name, count=11, seed=2)
    return write_corpus(name, train=train_side, test=test_side, origin="made up", licence="CC0-1.0", folder=folder / name)
