"""BertViz's pages by themselves, in a browser that reaches no host: lines, words, heads, and what they tell a page around them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from made_attention import made_maps, made_neurons
from playwright.sync_api import BrowserContext, Page, expect

from explain import bertviz_page as pages
from explain.attention import capture
from explain.bertviz_page import VIEWS, bertviz_page
from explain.passage import read_text
from explain.results import AttentionMaps
from explain.shades import shades
from narrative.models import LanguageModel

HOSTILE = '</script><img src=x onerror="window.ran=1"><script>window.ran=1</script>'
LINES = "#vis line"
BOXES = "heads => heads.map((head) => [...head.children].map((box) => +box.style.opacity))"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def show(page: Page, maps: AttentionMaps, view: str, **options: Any) -> Page:
    if view == "neuron":
        options = {"neurons": made_neurons(maps.map())} | options
    page.goto("about:blank")
    page.set_content(bertviz_page(maps, view=view, **options).html)
    page.wait_for_selector("body[data-drawn]")
    return page


def framed(page: Page, maps: AttentionMaps, view: str, **options: Any) -> None:
    """In a frame that may run scripts and nothing else, as the tab shows it; what it says is kept in `heard`."""
    page.set_content('<body><iframe sandbox="allow-scripts" style="width:1100px;height:800px"></iframe></body>')
    page.evaluate("window.heard = []; window.addEventListener('message', ({data}) => heard.push(data)); undefined")
    given = {"neurons": made_neurons(maps.map())} if view == "neuron" else {}
    page.locator("iframe").evaluate("(frame, html) => { frame.srcdoc = html; }", bertviz_page(maps, view=view, **given, **options).html)
    heard(page, "drawn")


def heard(page: Page, kind: str, *, count: int = 1) -> dict[str, Any]:
    """The last message of that kind, once there are so many."""
    page.wait_for_function("([kind, count]) => heard.filter((said) => said.narrative === kind).length >= count", arg=[kind, count])
    return dict(page.evaluate("kind => heard.filter((said) => said.narrative === kind).at(-1)", kind))


def tell(page: Page, message: dict[str, Any]) -> None:
    page.locator("iframe").evaluate("(frame, message) => frame.contentWindow.postMessage(message, '*')", message)


def drawable(maps: AttentionMaps) -> np.ndarray[Any, Any]:
    """(layer, head): how many weights are strong enough to be a line."""
    return (shades(maps.map()).levels >= 1).sum(axis=(2, 3))


def test_each_layer_of_the_head_view_draws_its_lines_and_hovering_shows_the_weights(page: Page) -> None:
    maps = made_maps(tokens=8, layers=3, heads=5)
    show(page, maps, "head", layer=1)
    assert page.locator("#layer option").all_text_contents() == ["1", "2", "3"]
    for layer in (1, 0, 2):
        page.select_option("#layer", label=str(layer + 1))
        expect(page.locator(LINES)).to_have_count(int(drawable(maps)[layer].sum()))
    page.locator("#left text", has_text="word6").hover()
    shown = page.locator("#right .attentionBoxes g").evaluate_all(
        "heads => heads.map((head) => [...head.children].map((box) => +box.style.opacity))"
    )
    assert np.abs(np.array(shown) - maps.map().weights[2, :, 6]).max() <= 1 / 255
    page.locator("#right text", has_text="word3").hover()
    shown = page.locator("#left .attentionBoxes g").evaluate_all(
        "heads => heads.map((head) => [...head.children].map((box) => +box.style.opacity))"
    )
    assert np.abs(np.array(shown) - maps.map().weights[2, :, :, 3]).max() <= 1 / 255
    assert page.locator(f"{LINES}[visibility=visible]").count() == int((shades(maps.map()).levels[2, :, :, 3] >= 1).sum())


def test_all_heads_of_the_head_view_can_be_shown_alone(page: Page) -> None:
    maps = made_maps(tokens=4, layers=1, heads=12)
    show(page, maps, "head", head=7)
    boxes = page.locator("#vis [role=checkbox]")
    checked = "boxes => boxes.flatMap((box, head) => box.ariaChecked === 'true' ? [head] : [])"
    assert boxes.evaluate_all(checked) == [7]
    for head in (7, 0, 11):
        if head != 7:
            boxes.nth(head).dblclick()
        assert boxes.evaluate_all(checked) == [head]
        seen = page.locator(".headAttention").evaluate_all(
            "heads => heads.flatMap((one, head) => one.querySelector('line:not([stroke-opacity=\"0\"])') ? [head] : [])"
        )
        assert seen == [head]
    boxes.nth(3).press("Enter")
    assert boxes.evaluate_all(checked) == [3, 11]


def test_only_the_strongest_lines_are_drawn_and_it_is_said(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_LINES", 60)
    monkeypatch.setattr(pages, "MOST_OF_ONE_HEAD", 12)
    maps = made_maps(tokens=20, layers=2, heads=4)
    show(page, maps, "head")
    drawn = page.locator(LINES).evaluate_all("lines => lines.map((line) => Math.round(line.__data__ * 255))")
    assert sorted(drawn) == sorted(shades(maps.map()).levels[0].ravel())[-len(drawn) :]
    assert 40 <= len(drawn) <= 60
    expect(page.locator("#note")).to_have_text(re.compile(r"Lines under \d+ % are not drawn: only the 60 strongest are."))
    show(page, maps, "model", head=2)
    assert 40 <= page.locator(LINES).count() <= 60
    expect(page.locator("#note")).to_have_text(re.compile(r"the 48 strongest are. In the head that is opened: .* the 12 strongest are."))
    show(page, maps, "neuron")
    assert 6 <= page.locator(LINES).count() <= 12


def test_of_equal_lines_no_more_are_drawn_than_allowed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_LINES", 30)
    show(page, made_maps(tokens=25, layers=1, heads=4, sharpness=1e4), "head")
    assert page.locator(LINES).count() == 30
    by_head = page.locator(".headAttention").evaluate_all("heads => heads.map((head) => head.querySelectorAll('line').length)")
    assert max(by_head) - min(by_head) <= 1


def test_every_small_picture_of_the_model_view_opens(page: Page) -> None:
    maps = made_maps(tokens=5, layers=2, heads=3)
    show(page, maps, "model", layer=1, head=2)
    heading = page.locator("text.detail")
    expect(heading).to_have_text("Layer 2, Head 3")
    assert page.locator(LINES).count() == drawable(maps).sum() + drawable(maps)[1, 2]
    for layer in range(2):
        for head in range(3):
            page.locator("#vis [role=button]").nth(layer * 3 + head).dispatch_event("click")
            expect(heading).to_have_text(f"Layer {layer + 1}, Head {head + 1}")
            assert page.locator(".detail line").count() == drawable(maps)[layer, head]


def test_the_neuron_view_shows_query_times_key(page: Page) -> None:
    maps = made_maps(tokens=6, layers=3, heads=2)
    given = made_neurons(maps.map(), layer=2)
    show(page, maps, "neuron", layer=2, head=1, neurons=given)
    assert page.locator("#layer option").all_text_contents() == ["3"]
    assert (page.locator("#att_head option").all_text_contents(), page.locator("#att_head").input_value()) == (["1", "2"], "1")
    assert page.locator(LINES).count() == drawable(maps)[2, 1]
    page.locator("#collapsed #leftText text", has_text="word4").hover()
    page.locator("#collapsed #leftText > g").nth(4).locator("rect").last.click()
    expect(page.locator("#queries .element")).to_have_count(6 * 8)
    page.mouse.move(900, 600)
    page.locator("#expanded #leftText text", has_text="word4").hover()
    sums = page.locator("#dotproducts rect").evaluate_all("boxes => boxes.map((box) => +box.dataset.value)")
    assert np.allclose(sums, given.keys[1] @ given.queries[1, 4] / np.sqrt(8), atol=1e-3)
    page.select_option("#att_head", label="1")
    sums = page.locator("#keys .element").evaluate_all("boxes => boxes.map((box) => +box.dataset.value)")
    assert np.allclose(np.array(sums).reshape(6, 8), given.keys[0], atol=1e-3)


def test_an_encoder_decoder_shows_its_three_kinds(page: Page, tiny_t5: LanguageModel) -> None:
    maps = capture(tiny_t5, read_text(tiny_t5, "The fox wanted to see the sea.", "The king was tired."))
    for view in ("head", "model"):
        show(page, maps, view, name="cross")
        assert page.locator("#filter option").all_text_contents() == ["cross", "encoder", "decoder"]
        for name in ("cross", "encoder", "decoder"):
            page.select_option("#filter", label=name)
            levels = shades(maps.map(name)).levels
            shown = (levels[0] if view == "head" else levels) >= 1
            expect(page.locator(LINES)).to_have_count(int(shown.sum()))
        if view == "head":
            assert page.locator("#left text").first.text_content() == maps.map("decoder").queries[0].label


def test_a_map_with_fewer_layers_shows_its_last(page: Page) -> None:
    long, short = made_maps(tokens=5, layers=4), made_maps(tokens=3, layers=2)
    both = AttentionMaps(long.passage, "pieces", (long.map(), *(pages.replace(one, name="encoder") for one in short.maps)))
    show(page, both, "head", name="self", layer=3)
    page.select_option("#filter", label="encoder")
    expect(page.locator("#layer")).to_have_value("2")
    expect(page.locator(LINES)).to_have_count(int(drawable(short)[1].sum()))
    assert page.locator("#layer option[disabled]").count() == 2


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_and_foreign_words_are_characters(page: Page, view: str) -> None:
    labels = [HOSTILE, "שלום", "你好", "👩‍👩‍👧", "&lt;b&gt;", "x" * 5_000]
    show(page, made_maps(labels, prompt=6), view, title=HOSTILE, **({"head": 1} if view == "model" else {}))
    texts = page.locator({"head": "#left text", "model": ".detail text", "neuron": "#collapsed #leftText text"}[view])
    own = texts.evaluate_all("texts => texts.map((text) => text.firstChild.data)")[: len(labels)]
    assert own[1:5] == labels[1:5]
    assert own[0].startswith("</script") and own[0].endswith("…") and own[5].endswith("x…")  # noqa: PT018 - one claim
    assert page.locator("#vis text title").first.evaluate("title => title.textContent") == HOSTILE
    assert page.locator("h1").text_content() == page.title() == HOSTILE
    assert page.evaluate("[window.ran, document.images.length]") == [None, 0]
    widest = texts.evaluate_all("texts => Math.max(...texts.map((text) => text.getBoundingClientRect().width))")
    assert widest <= {"head": 103, "model": 80, "neuron": 90}[view]


@pytest.mark.parametrize("view", VIEWS)
def test_one_word_is_one_line(page: Page, view: str) -> None:
    show(page, made_maps(["Once"], layers=1, heads=1, prompt=1), view)
    assert page.locator(LINES).count() == 1
    assert page.locator(".border").count() == 0


def test_where_the_prompt_ends_a_rule_is_drawn(page: Page) -> None:
    show(page, made_maps(tokens=6, prompt=4), "head")
    middle = "shape => { const box = shape.getBoundingClientRect(); return box.y + box.height / 2; }"
    above, below = (page.locator("#left text").nth(place).evaluate(middle) for place in (3, 4))
    assert above < page.locator(".border path").evaluate(middle) < below
    assert page.locator(".border text").text_content() == "prompt above, written below"
    page.select_option("#layer", label="2")
    expect(page.locator(".border")).to_have_count(1)


def test_the_page_around_hears_what_is_drawn_and_chosen(page: Page) -> None:
    maps = made_maps(tokens=6, layers=3, heads=4)
    framed(page, maps, "head")
    drawn = heard(page, "drawn")
    assert drawn["lines"] == drawable(maps)[0].sum()
    assert 6 * 22.5 < drawn["height"] < 400
    frame = page.frame_locator("iframe")
    frame.locator("#layer").select_option(label="3")
    assert heard(page, "chosen") == {"narrative": "chosen", "layer": 2, "head": None}
    frame.locator("#vis [role=checkbox]").nth(1).dblclick()
    assert heard(page, "chosen", count=4) == {"narrative": "chosen", "layer": 2, "head": 1}
    framed(page, maps, "model")
    page.frame_locator("iframe").locator("#vis [role=button]").nth(5).click()
    assert heard(page, "chosen") == {"narrative": "chosen", "layer": 1, "head": 1}
    framed(page, maps, "neuron")
    page.frame_locator("iframe").locator("#att_head").select_option(label="4")
    assert heard(page, "chosen") == {"narrative": "chosen", "layer": 0, "head": 3}


@pytest.mark.parametrize("view", VIEWS)
def test_the_picture_comes_as_a_file_in_the_colours_of_the_moment(page: Page, view: str) -> None:
    maps = made_maps(tokens=6, layers=2, heads=4)
    framed(page, maps, view, dark=False)
    tell(page, {"narrative": "svg"})
    light = heard(page, "svg")
    tell(page, {"narrative": "theme", "dark": True})
    tell(page, {"narrative": "svg"})
    dark = heard(page, "svg", count=2)
    assert (">word2<" in light["svg"]) == (view != "model")
    for found, paper in ((light, "rgb(255, 255, 255)"), (dark, "rgb(28, 31, 36)")):
        assert f'fill="{paper}"' in found["svg"]
        assert "font-family" in found["svg"]
        assert not re.search(r"var\(|<image|xlink|http(?!://www\.w3\.org)", found["svg"])
        size = page.evaluate(
            "async ({svg}) => { const image = new Image(); image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(svg);"
            "await image.decode(); return [image.naturalWidth, image.naturalHeight, new DOMParser().parseFromString(svg, 'image/svg+xml')"
            ".querySelectorAll('line').length]; }",
            found,
        )
        lines = {"head": drawable(maps)[0].sum(), "model": drawable(maps).sum(), "neuron": drawable(maps)[0, 0]}[view]
        assert size == [round(found["width"]), round(found["height"]), lines]


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_by_itself_follows_the_readers_colours(page: Page, view: str) -> None:
    page.emulate_media(color_scheme="dark")
    show(page, made_maps(tokens=4), view, **({"head": 0} if view == "model" else {}))
    words = (
        "() => [...document.querySelectorAll('#vis text:not(.number)')]"
        ".map((text) => getComputedStyle(text).fill.match(/\\d+/g).map(Number))"
    )
    expect(page.locator("body")).to_have_css("background-color", "rgb(21, 23, 27)")
    assert np.array(page.evaluate(words)).min() > 120
    page.emulate_media(color_scheme="light")
    expect(page.locator("body")).to_have_css("background-color", "rgb(251, 250, 246)")
    assert np.array(page.evaluate(words)).max() < 120
