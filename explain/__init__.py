"""Explanations of what a language model wrote. The methods and pages come with later issues."""
