"""What a newcomer sees before any click, and what the page is like on other screens."""

from __future__ import annotations

from driving import App, Desk, new_context
from playwright.sync_api import Browser, expect


def test_first_paint_shows_a_finished_example_with_one_word_explained(same_desk: Desk) -> None:
    expect(same_desk.drafts.first).to_be_visible()
    assert same_desk.words().count() > 5
    expect(same_desk.page.locator(".draft .t.sel")).to_have_count(1)
    expect(same_desk.panel.locator("h2")).to_contain_text("Instead of")
    assert same_desk.panel.locator(".alt").count() >= 10
    expect(same_desk.panel.locator(".alt.here")).to_have_count(1)
    expect(same_desk.panel.locator(".plain")).to_contain_text("choice")
    expect(same_desk.page.locator(".drafts")).to_have_class("drafts shaded")


def test_nothing_is_blank_and_every_part_has_a_heading(same_desk: Desk) -> None:
    headings = same_desk.page.locator("h1, h2:visible").all_text_contents()
    for title in ("Narrative", "Seed text", "How it writes", "History", "What it wrote"):
        assert title in headings
    expect(same_desk.page.locator("h1")).to_have_count(1)
    for sentence in same_desk.page.locator(".plain:visible").all():
        assert len(sentence.text_content() or "") > 40


def test_every_control_has_a_name(same_desk: Desk) -> None:
    nameless = same_desk.page.evaluate("""() => [...document.querySelectorAll('#shell :is(button, input, textarea, summary)')]
        .filter(node => node.checkVisibility() && !(node.getAttribute('aria-label') || node.labels?.length || node.textContent.trim()))
        .map(node => node.outerHTML.slice(0, 120))""")
    assert nameless == []


def test_settings_that_mean_nothing_for_a_strategy_are_hidden(same_desk: Desk) -> None:
    page = same_desk.page
    expect(page.locator("#top-p")).to_be_visible()
    expect(page.locator("#top-k")).to_be_hidden()
    page.get_by_text("Top-k", exact=True).click()
    expect(page.locator("#top-k")).to_be_visible()
    expect(page.locator("#top-p")).to_be_hidden()
    page.get_by_text("Greedy", exact=True).click()
    for name in ("#top-k", "#top-p", "#temperature"):
        expect(page.locator(name)).to_be_hidden()


def test_chips_answer_to_arrow_keys(same_desk: Desk) -> None:
    same_desk.page.locator("#strategy input").first.focus()
    same_desk.page.keyboard.press("ArrowRight")
    expect(same_desk.page.locator("#strategy label.selected")).to_have_text("Top-k")


def test_examples_fill_the_seed_text_and_the_dice_changes_the_seed(same_desk: Desk) -> None:
    same_desk.page.get_by_role("button", name="The Professor").click()
    expect(same_desk.seed).to_have_value("The Professor's economic theory is more nuanced")
    before = same_desk.page.locator("#seed-number input").input_value()
    same_desk.page.click("#dice")
    expect(same_desk.page.locator("#seed-number input")).not_to_have_value(before)


def test_the_model_card_tells_what_the_model_is(same_desk: Desk) -> None:
    same_desk.page.click("#about summary")
    card = same_desk.page.locator("#about details > div")
    for term in ("Architecture", "Parameters", "Shape", "Vocabulary", "Reads at once"):
        expect(card).to_contain_text(term)
    same_desk.page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_shading_can_be_switched_off_and_stays_off(desk: Desk) -> None:
    desk.page.click("#shade")
    expect(desk.page.locator(".drafts")).not_to_have_class("drafts shaded")
    desk.reload()
    expect(desk.page.locator("#shade")).not_to_be_checked()
    expect(desk.page.locator(".drafts")).not_to_have_class("drafts shaded")


def test_a_phone_needs_no_sideways_scrolling_and_shows_the_word_in_a_sheet(browser: Browser, trouble: list[str], app: App) -> None:
    context = new_context(browser, trouble, viewport={"width": 390, "height": 844}, has_touch=True)
    desk = Desk(context.new_page(), app).open()
    desk.words().nth(3).tap()
    expect(desk.panel.locator(".shut")).to_be_visible()
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    desk.panel.locator(".shut").click()
    expect(desk.panel.locator(".shut")).to_be_hidden()
    context.close()


def test_dark_follows_the_system_the_address_and_the_button(browser: Browser, trouble: list[str], app: App) -> None:
    context = new_context(browser, trouble, color_scheme="dark")
    desk = Desk(context.new_page(), app).open()
    body, dark, light = desk.page.locator("body"), "rgb(21, 23, 27)", "rgb(251, 250, 246)"
    expect(body).to_have_css("background-color", dark)
    desk.page.click("#theme")
    expect(body).to_have_css("background-color", light)
    desk.reload()
    expect(body).to_have_css("background-color", light)
    desk.open("?__theme=dark")
    expect(body).to_have_css("background-color", dark)
    context.close()


CONTRAST = """() => { // WCAG 2: (lighter + .05) / (darker + .05), for text on the nearest opaque ground
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = node => { const stack = [];
    for (let n = node; n; n = n.parentElement) {
      const c = parse(getComputedStyle(n).backgroundColor);
      if (c.length) stack.push(c);
      if (c.length && (c[3] ?? 1) === 1) break;
    }
    const over = (under, c) => under.map((v, i) => v * (1 - (c[3] ?? 1)) + c[i] * (c[3] ?? 1));
    return stack.reverse().reduce(over, [255, 255, 255]); };
  const low = [];
  for (const node of document.querySelectorAll('#shell *')) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    const seen = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!own || !seen || node.closest(':disabled, [aria-hidden=true], .space, .info-text')) continue;
    const a = light(parse(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${node.tagName}.${node.className} ${node.textContent.trim().slice(0, 30)}`);
  }
  return low;
}"""


def test_all_text_has_enough_contrast_in_light_and_dark(desk: Desk) -> None:
    assert desk.page.evaluate(CONTRAST) == []
    desk.page.click("#theme")
    expect(desk.page.locator("body")).to_have_css("background-color", "rgb(21, 23, 27)")
    desk.page.wait_for_function("() => document.getAnimations().every(one => one.playState !== 'running')")
    assert desk.page.evaluate(CONTRAST) == []
