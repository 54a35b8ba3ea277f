"""Books in: what a model learns from."""

from narrative.corpus.corpus import Corpus, corpus_names, load_corpus, write_corpus
from narrative.corpus.splitting import split_by_source

__all__ = ["Corpus", "corpus_names", "load_corpus", "split_by_source", "write_corpus"]
