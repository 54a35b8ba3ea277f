"""The words after `narrative`, one a file: `configure(parser)` adds its options, `run(options)` does it and returns its exit status."""

DONE, FAILED, BAD_INPUT, STOPPED, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 3, 130, 141
