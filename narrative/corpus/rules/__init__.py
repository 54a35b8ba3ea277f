"""The cleaning rules, one family a file; `narrative.corpus.cleaning` lists them in order."""
