"""A byte-level BPE trained on the corpora (Sennrich et al. 2016; bytes as in Radford et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from narrative.corpus import Corpus
from narrative.formats import Format

END_OF_TEXT = "<|endoftext|>"
SAMPLE_BYTES = 20_000_000  # more text hardly moves the merges and costs minutes


def train_tokenizer(texts: Iterable[str], *, vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """Learn a vocabulary of at most `vocabulary` tokens, the 256 bytes and the end-of-text token among them.

    Every string can be encoded and comes back unchanged: there is no unknown token. End-of-text also serves as
    beginning and padding, as with GPT-2.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer=trainer)
    names = {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT, "pad_token": END_OF_TEXT}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=context, clean_up_tokenization_spaces=False, **names)


def sample_texts(corpora: Sequence[tuple[Corpus, float]], form: Format, *, column: str = "", limit: int = SAMPLE_BYTES) -> Iterator[str]:
    """Training texts of about `limit` bytes, each corpus by its share, taken evenly over the whole of it."""
    total = sum(share for _, share in corpora)
    for corpus, share in corpora:
        room = limit * share / total
        step = max(1, round(corpus.train.bytes / max(room, 1)))
        for number, record in enumerate(corpus.records("train")):
            if number % step == 0:
                yield form.example(record, column).text
