"""The page. Tabs translate and nothing else: read widgets, call one function, draw its result."""
