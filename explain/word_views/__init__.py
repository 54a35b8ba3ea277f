"""Word importance to look at and to keep: shaded text, sentences, figures, tables, one page. Nothing here runs a model."""
