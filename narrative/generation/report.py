"""A draft for programs: the one form in which the command line and the app's endpoint give it out."""

from __future__ import annotations

from typing import Any

from narrative.generation.draft import Draft, Token


def draft_report(draft: Draft) -> dict[str, Any]:
    """All that decides the draft or was measured on it, and nothing that changes from run to run: equal runs report equal text."""
    return {
        "text": draft.text,
        "tokens": [_token_report(token) for token in draft.tokens],
        "perplexity": draft.perplexity,
        "stopped": draft.stopped,
        "number": draft.number,
        "dropped": draft.dropped,
        "model": draft.model,
        "fingerprint": draft.fingerprint,
        "prompt": draft.prompt,
        "settings": draft.settings.to_json(),
    }


def _token_report(token: Token) -> dict[str, Any]:
    return token._asdict() | {"alternatives": [alternative._asdict() for alternative in token.alternatives]}
