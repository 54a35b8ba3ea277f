"""Programs: one named endpoint, and private ones that give nobody else's drafts away."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from driving import App, Desk
from gradio_client import Client
from gradio_client.exceptions import AppError


@pytest.fixture(scope="module")
def client(app: App) -> Client:
    return Client(app.address, verbose=False)


def test_generate_is_the_only_named_endpoint(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert list(endpoints["named_endpoints"]) == ["/generate"]
    assert not endpoints["unnamed_endpoints"]


def test_generate_streams_and_ends_with_the_probability_of_every_token(client: Client) -> None:
    job = client.submit("There is a blue curtain.", max_new_tokens=8, drafts=2, seed=3, api_name="/generate")
    last = job.result(timeout=60)
    assert last["done"] is True
    assert len(job.outputs()) > 1
    assert len(last["drafts"]) == 2
    for draft in last["drafts"]:
        assert len(draft["tokens"]) <= 8
        assert all(token["logprob"] <= 0 and len(token["alternatives"]) == 10 for token in draft["tokens"])
    again = client.predict("There is a blue curtain.", max_new_tokens=8, drafts=2, seed=3, api_name="/generate")
    assert [draft["text"] for draft in again["drafts"]] == [draft["text"] for draft in last["drafts"]]


def test_generate_refuses_in_a_sentence(client: Client) -> None:
    with pytest.raises(AppError, match="Temperature is -1"):
        client.predict("There is", temperature=-1.0, api_name="/generate")
    with pytest.raises(AppError, match="seed text is empty"):
        client.predict("  ", api_name="/generate")


def test_private_handlers_refuse_the_drafts_of_others(desk: Desk, app: App) -> None:
    """Straight over HTTP, as somebody would who knows the ids but not the browser's own."""
    desk.write("A secret story", drafts=1)
    sheet = desk.page.locator(".drafts").get_attribute("data-sheet")
    stranger = "x" * 32
    asked = 0
    for endpoint in _private(app):
        if set(endpoint["targets"]) & {"pick", "send", "move"}:
            asked += 1
            for data in (
                {"sheet": sheet, "draft": "guess", "at": 0, "act": "open", "kind": "txt"},
                {"sheet": sheet, "act": "link"},
                {"sheet": sheet, "act": "delete"},
                ["not", "even", "a", "dictionary"],
                {"sheet": {"a": 1}, "draft": None, "at": "many", "act": 7},
            ):
                answer = _call(app, endpoint["id"], [stranger], data)
                assert "A secret story" not in answer
                assert '"token": "' not in answer
                assert '"wrong"' in answer
    assert asked == 3
    assert desk.reload().sheets.count() == 1


def _private(app: App) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{app.address}config", timeout=30) as answer:  # noqa: S310 - our own http address
        config = json.load(answer)
    return [{"id": one["id"], "targets": [event for _, event in one["targets"]]} for one in config["dependencies"]]


def _call(app: App, number: int, values: list[Any], event: Any) -> str:
    body = json.dumps({"data": values, "event_data": event, "fn_index": number, "session_hash": "stranger"}).encode()
    request = urllib.request.Request(f"{app.address}gradio_api/run/predict", body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return f'"wrong" {error.read().decode()}'
