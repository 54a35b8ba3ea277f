"""Why a model wrote what it wrote: where it looked, what it would have said half-way, and which of its parts mattered."""
