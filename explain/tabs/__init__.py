"""The tabs that explain: they translate widgets into calls of `explain.reading`, and nothing else."""
