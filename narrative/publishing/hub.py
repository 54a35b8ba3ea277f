"""A finished model to the Hugging Face hub: only when it is asked for, private unless said otherwise."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from narrative import home
from narrative.errors import PublishingError, shown
from narrative.files import read_json
from narrative.models.sources import CARD, is_adapter, is_hub_id
from narrative.publishing.bases import ON_THE_HUB
from narrative.publishing.placing import PART, in_one_sentence, require_room
from narrative.publishing.publish import SPARE, pack
from narrative.training.job import Job

# The hub refuses a licence that isn't on its list; any other goes by its name in the text.
LICENCES = frozenset(
    ("apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cdla-sharing-1.0", "cdla-permissive-2.0", "gpl-3.0")
)


def hub_token_here() -> bool:
    """Whether huggingface_hub finds somebody's token on this machine (HF_TOKEN, or what `hf auth login` stored). Asks no network."""
    from huggingface_hub import get_token

    return bool(get_token())


def require_hub(repo_id: str) -> None:
    """Raises `PublishingError` for what would keep an upload from beginning: a name that is none, or no token."""
    if not is_hub_id(repo_id) or "/" not in repo_id:
        raise PublishingError(f"{shown(repo_id)} is no repository of the hub; it must be like 'owner/name'.")
    if not hub_token_here():
        raise PublishingError("No token of the Hugging Face hub is on this machine. Set HF_TOKEN, or run: hf auth login")


def push_to_hub(job: Job, repo_id: str, *, private: bool = True, merge: bool = False) -> str:
    """Upload a finished job's model to `repo_id` (owner/name); its address.

    An adapter goes up by itself only if its base is a model of the hub, else merged with it. A repository that is there already
    gets the new files in one commit; a public one is refused while `private` is asked for. Raises `PublishingError`
    in one sentence for whatever the hub answers, and as `publish_job` does.
    """
    require_hub(repo_id)
    packing = pack(job, merged=merge, places=ON_THE_HUB)
    with in_one_sentence(f"The copy of '{job.folder.name}' for the hub"):
        home.downloads().mkdir(parents=True, exist_ok=True)
        require_room(home.downloads(), packing.room + SPARE)
        with tempfile.TemporaryDirectory(dir=home.downloads(), prefix=".", suffix=PART) as filled:
            packing.fill(Path(filled), title=job.folder.name)
            (Path(filled) / "README.md").write_text(_page(Path(filled)), encoding="utf-8")
            return _upload(Path(filled), repo_id, private=private)


def _upload(folder: Path, repo_id: str, *, private: bool) -> str:
    from huggingface_hub import HfApi

    api = HfApi()
    with _one_sentence(repo_id):
        url = str(api.create_repo(repo_id, private=private, exist_ok=True))
        if private and not api.repo_info(repo_id).private:
            raise PublishingError(
                f"{repo_id} is on the hub already and everybody can read it. Choose another name, or make it private there."
            )
        api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message="A model tuned with Narrative")
    return url


@contextmanager
def _one_sentence(repo_id: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except PublishingError:
        raise
    except OfflineModeIsEnabled as error:
        raise PublishingError("The hub can't be reached: HF_HUB_OFFLINE is set.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        why = {401: "the token is not valid", 403: "the token may not write there", 404: "there is no such owner"}.get(status)
        raise PublishingError(f"The hub refused {repo_id}: {why or f'it answered {status}'}. Nothing was uploaded.") from error
    except Exception as error:  # the HTTP library's own errors, which change with the library
        reason = "no answer" if "Timeout" in type(error).__name__ else "no connection"
        raise PublishingError(f"The hub can't be reached ({reason}). Try again later.") from error


def _page(folder: Path) -> str:
    """README.md: what the hub shows, made from the card alone. Its words are data: quoted for YAML, and no markup in the text."""
    card: Mapping[str, Any] = read_json(folder / CARD)
    licence = str(card["licence"]).removeprefix("texts: ").lower()
    head = {"license": licence if licence in LICENCES else "other", "library_name": "peft" if is_adapter(folder) else "transformers"}
    head |= {"base_model": card["base"]} if is_hub_id(card["base"]) else {}
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    figures = [
        f"- {name}: perplexity {values['perplexity']:.2f}, {values['bits_per_byte']:.3f} bits per byte"
        for name, values in card["metrics"].items()
        if {"perplexity", "bits_per_byte"} <= values.keys()
    ]
    facts = [f"# {card['title']}", card["summary"], f"Trained on: {card['trained_on']}.", f"Licence: {card['licence']}."]
    measured = ["On texts held back from the training:", "\n".join(figures)] if figures else []
    plain = [_plain(fact) for fact in facts]
    return "\n".join(["---", *lines, "---", "", "\n\n".join([*plain, *measured, f"The whole card is in `{CARD}`."])]) + "\n"


def _plain(words: str) -> str:
    return words.translate({ord(sign): f"&#{ord(sign)};" for sign in "<>[]`*_|!"})
