"""The words after `python -m explain`, one a file: `configure(parser)` adds its options, `run(options)` does it."""
