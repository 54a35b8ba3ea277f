"""Views of word importance: what is drawn is what was found, words of others stay words, and a page asks no host for anything."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree as ET

import numpy as np
import plotly.graph_objects as go
import pytest
from made_words import NUANCED, made_check, made_curve, made_importance, made_translation
from plotly.offline import get_plotlyjs

from explain.colours import BROWN, INK_BLUE, TEAL, faded
from explain.importance import DIFFERS, HIGH, LOW, RAISES, WordImportance
from explain.word_views.page import word_page
from explain.word_views.pairs import paired
from explain.word_views.picture import WIDTH, word_picture
from explain.word_views.plots import bar_chart, comparison, curve_chart, curves, layer_map
from explain.word_views.sentences import layers_sentence, method_title, named, number, question_line, sentence_of
from explain.word_views.shading import FULLEST, colour, common_limit, same_scale, shade, told
from explain.word_views.tables import check_csv, comparison_csv, curves_csv, importance_csv
from narrative.errors import ExplainError

SCORES = (-0.1, 0.3, 0.5, 0.2, 0.05, 0.6)
HARM = (
    "<b>x</b>",
    " </script><img src=x onerror=alert(1)>",
    " %{z} ${1} $title",
    " <a href='javascript:1'>a</a>",
    " &amp;",
    ' "狐🦊"',
    "\n\nthe",
)
NOISE = (1.9, 0.3, 0.2, 0.4, 1.2, 0.1)
LAYERS = [[0.5, 0.4, 0.2, 0.4, 0.5, 0.3, np.nan], [2.0, 0.4, 0.2, 0.4, 0.5, 0.1, np.nan]]


def made_noise(**more: object) -> WordImportance:
    return made_importance(NOISE, method="noise", direction=LOW, **{"layers": LAYERS, "spread": [0.01] * 7} | more)


def made_harm() -> WordImportance:
    scores = (0.3, -0.5, 0.2, 0.4, -0.1, 0.6)
    return made_importance(scores, HARM, prompt=4, layers=np.full((2, 7), 0.5), notes=(HARM[1],), baseline=HARM[0], model=HARM[1])


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def own_part(page: str) -> str:
    return page.replace(get_plotlyjs(), "")


# The strip


@pytest.mark.parametrize("importance", [made_importance(SCORES), made_noise(), made_harm(), made_translation((0.2, 0.5, 0, 0, 0.1))])
def test_a_strip_joined_is_the_text(importance: WordImportance) -> None:
    strip = shade(importance)
    assert strip.text == "".join(piece.text for piece in importance.question.tokens)
    assert [word.place for word in strip.words] == list(range(len(importance.words)))


def test_a_strip_knows_who_wrote_a_word_what_is_explained_and_what_counts() -> None:
    strip = shade(made_importance(SCORES))
    assert [word.own for word in strip.words] == [False] * 3 + [True] * 4
    assert [word.target for word in strip.words] == [False] * 6 + [True]
    assert [word.counts for word in strip.words] == [True] * 6 + [False]
    translated = shade(made_translation((0.2, 0.5, 0, 0, 0.1)))
    assert [(word.label, word.text) for word in translated.words if not word.counts] == [("</s>", ""), ("<pad>", ""), ("Fuchs", " Fuchs")]


def test_colours_have_the_sign_of_their_scores_and_grow_with_them() -> None:
    strip = shade(made_importance((-1.0, -0.01, 0.0, 0.1, 0.5, 1.0)))
    shares = [word.share for word in strip.words[:6]]
    assert shares == sorted(shares)
    assert (shares[0], shares[2], shares[5]) == (-1, 0, 1)
    assert strip.words[0].colour == faded(BROWN, FULLEST)
    assert strip.words[5].colour == faded(TEAL, FULLEST)
    assert strip.words[2].colour == ""
    assert (strip.low, strip.high) == ("−1", "+1 log-probability")  # noqa: RUF001 - a real minus


def test_one_extreme_word_leaves_the_others_to_be_seen() -> None:
    strip = shade(made_importance((10.0, 1.0, -1.0, 0.0, 0.0, 0.0)))
    assert strip.words[1].share == -strip.words[2].share > 0.2


def test_noise_is_drawn_full_where_little_is_borne() -> None:
    strip = shade(made_noise())
    shares = [word.share for word in strip.words[:6]]
    assert np.argsort(shares).tolist() == np.argsort(NOISE)[::-1].tolist()
    assert (shares[0], shares[5]) == (0, 1)
    assert strip.words[5].colour == faded(INK_BLUE, FULLEST)
    assert (strip.low, strip.high) == ("noise 1.9", "0.1 · low = important")
    alike = shade(made_importance((1.0, 1.01, 1.02, 1.0, 1.0, 1.0), direction=LOW, method="noise"))
    assert max(word.share for word in alike.words) < 0.05  # chance differences are no colours


def test_two_maps_share_a_scale_and_maps_of_different_things_have_none() -> None:
    weak, strong = made_importance((0.1, 0, 0, 0, 0, 0)), made_importance((0, -1.0, 0, 0, 0, 0))
    limit = common_limit(weak, strong)
    assert limit == 1
    assert shade(weak, limit=limit).words[0].colour == colour(0.1**0.65, signed=True)
    assert shade(weak).words[0].colour == faded(TEAL, FULLEST)
    assert shade(weak, limit=limit).high == shade(strong, limit=limit).high
    for other in (made_noise(), made_importance(SCORES, direction=HIGH, method="saliency")):
        assert not same_scale(weak, other)
        with pytest.raises(ExplainError, match="no scale in common"):
            common_limit(weak, other)


def test_noise_of_two_maps_is_compared_on_the_wider_scale() -> None:
    narrow = made_importance((1, 0.5, 1, 1, 1, 1), direction=LOW, method="noise")
    limit = common_limit(narrow, made_noise())
    assert limit == pytest.approx(np.log(19))
    assert shade(narrow, limit=limit).words[1].share == pytest.approx(np.log(2) / np.log(19))


def test_a_long_target_is_underlined_and_not_fenced_in() -> None:
    assert shade(made_importance(SCORES, target=(4, 7))).boxed
    long = made_importance(SCORES, target=(3, 7))
    assert not shade(long).boxed
    page = word_page(long, title="t", figures=False)
    assert page.count('class="lined"') == 4
    assert 'class="target"' not in page
    assert 'stroke-width="2"' not in word_picture(long)


def test_a_line_break_that_matters_is_seen() -> None:
    importance = made_importance((0.1, 0.9, 0.2), ("One", "\n", "two", " three"))
    page = word_page(importance, title="t", figures=False)
    style, text = re.findall('<span class="blank" style="background:([^"]*)" title="[^"]*"></span>(\\s*)', page)[0]
    assert (style, text) == (faded(TEAL, FULLEST), "\n")
    spaced = word_page(made_importance((0.1, 0.9, 0.2), ("One", "   ", "two", " three")), title="t", figures=False)
    assert re.search('<span style="background:[^"]*" title="[^"]*">   </span>', spaced)
    assert ">¶</text>" in re.sub("<title>.*?</title>", "", word_picture(importance))


def test_words_that_can_not_count_are_never_coloured() -> None:
    for importance in (made_importance((*SCORES, 5.0)), made_importance((*NOISE, 0.001), direction=LOW, method="noise")):
        strip = shade(importance)
        assert strip.words[6].colour == ""
        assert strip.words[6].told == "“nuanced” is what is explained."
    after = made_importance((0.5, 0.2), target=(2, 3))
    assert told(after, 5) == "“more” stands after “economic”, so it can't have brought it about."


def test_nothing_at_all_is_no_colour() -> None:
    for direction in (RAISES, HIGH):
        assert {word.colour for word in shade(made_importance([0] * 6, direction=direction)).words} == {""}
    assert {word.colour for word in shade(made_importance([1e-6] * 6)).words} == {""}  # a millionth of a nat is not worth a colour


def lightness(rgb: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (one / 255 for one in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("ink", "paper"), [((34, 37, 42), (251, 250, 246)), ((233, 228, 218), (28, 31, 36))])
@pytest.mark.parametrize("tone", [TEAL, BROWN, INK_BLUE])
def test_text_can_be_read_on_the_fullest_colour(tone: str, ink: tuple[int, ...], paper: tuple[int, ...]) -> None:
    full = [int(tone[place : place + 2], 16) for place in (1, 3, 5)]
    below = tuple(FULLEST * one + (1 - FULLEST) * other for one, other in zip(full, paper, strict=True))
    darker, lighter = sorted((lightness(ink), lightness(below)))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_the_pointer_tells_word_sign_number_and_spread() -> None:
    one = made_importance(SCORES, spread=[0.02] * 7)
    assert told(one, 5) == "“more” speaks for “nuanced”: +0.6 ± 0.02 log-probability."
    assert told(one, 0).startswith("“The” speaks against “nuanced”")
    assert told(made_importance(SCORES, instead="simple"), 0).startswith("“The” speaks for “simple” rather than “nuanced”")
    assert told(made_noise(), 5) == "“more” bears noise of 0.1 ± 0.01 before “nuanced” changes. Low = important."
    assert told(made_importance([0] * 6), 1) == "“Professor's” makes no difference to “nuanced”."


# Sentences


def test_the_sentence_names_what_did_most_and_what_spoke_against() -> None:
    said = sentence_of(made_importance((-0.3, *SCORES[1:]), checks={"completeness_error": 0.0041}))
    assert said == (
        "“more” and “economic” did most to make “nuanced” likely; “The” spoke against it. 56 % of the weight lies on your prompt, "
        "44 % on the model's own text. The scores add up to the model's change of mind within 0.4 %."
    )


@pytest.mark.parametrize(
    ("importance", "beginning"),
    [
        (made_importance(SCORES, instead="simple"), "“more” and “economic” did most to make “nuanced” likelier than “simple”"),
        (made_importance(SCORES, direction=HIGH, method="saliency"), "“more” and “economic” mattered most for “nuanced”."),
        (made_importance(SCORES, instead="simple", direction=DIFFERS), "What matters more for one than for the other: “"),
        (made_noise(), "“more” bears the least noise before “nuanced” changes (low = important); “The” bears the most."),
        (made_importance([1] * 6, direction=LOW, method="noise"), "All pieces bear about the same noise"),
        (made_importance([0] * 6, unit="words"), "No word makes a difference to “nuanced” that could be seen."),
        (made_importance([-0.5, 0, 0, 0, 0, 0]), "Nothing did much to make “nuanced” likely; “The” spoke most against it."),
        (made_importance([0.5], ("The", " fox"), prompt=1), "“The” alone stands before “fox”, and speaks for it."),
        (made_importance([-0.5], ("The", " fox"), prompt=1), "“The” alone stands before “fox”, and speaks against it."),
        (made_importance([0.1, 0.2] * 5, [" word"] * 20, prompt=2, target=(2, 20)), "The second “word” and the fourth “word” did most"),
    ],
)  # fmt: skip
def test_each_kind_of_map_has_its_sentence(importance: WordImportance, beginning: str) -> None:
    assert sentence_of(importance).startswith(beginning)


def test_scores_that_do_not_add_up_are_called_rough() -> None:
    assert "by 12 %: take them as rough" in sentence_of(made_importance(SCORES, checks={"completeness_error": 0.12}))
    assert "don't rely on them" in sentence_of(made_importance(SCORES, checks={"completeness_error": 9.0}))


def test_a_word_that_comes_often_is_told_by_its_place() -> None:
    many = made_importance([0.0] * 22, [" the"] * 23)
    assert [named(many, place) for place in (0, 9, 10, 20, 21)] == [
        "the first “the”", "the tenth “the”", "the 11th “the”", "the 21st “the”", "the 22nd “the”",
    ]  # fmt: skip


def test_signs_have_names() -> None:
    signs = made_importance([0.1, 0.5, 0.2, 0.4], ("Yes", ",", " no", ".", " No", "."), target=(4, 5))
    assert sentence_of(signs).startswith("The comma and the first full stop did most")


def test_questions_and_methods_are_called_by_name() -> None:
    assert question_line(made_importance(SCORES)) == "Why “nuanced”?"
    assert question_line(made_importance(SCORES, instead="simple")) == "Why “nuanced” rather than “simple”?"
    assert question_line(made_importance([0.1], [" word"] * 20, target=(3, 20))) == "Why this passage?"
    assert method_title(made_importance(SCORES, settings={"tunnel": "smoothgrad"})) == "Ablation · SmoothGrad"


def test_layers_have_a_sentence_of_their_own() -> None:
    assert "“more” is carried to the last layer more than any other; “The” is needed least there." in layers_sentence(made_noise())
    assert layers_sentence(made_importance(SCORES)) == ""


@pytest.mark.parametrize(
    ("value", "shown"), [(0.6, "+0.6"), (-0.123, "-0.12"), (12345.0, "+12000"), (2.14e-5, "+2.1e-5"), (0.0, "0"), (float("nan"), "none")]
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert number(value, signed=True).replace("\N{MINUS SIGN}", "-") == shown


# Figures


def test_the_bars_are_strongest_first_and_have_their_signs() -> None:
    (bars,) = bar_chart(made_importance(SCORES, spread=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0])).data
    order = [5, 2, 1, 3, 0, 4]
    assert [place for (place,) in bars.customdata] == order
    assert list(bars.x) == [SCORES[place] for place in order]
    assert list(bars.marker.color) == [BROWN if place == 0 else TEAL for place in order]
    assert list(bars.error_x.array) == [(place + 1) / 10 for place in order]


def test_words_that_come_twice_stay_two_bars() -> None:
    figure = bar_chart(made_importance((0.5, 0.4, 0.3, 0.2), ("the", " fox", " the", " fox", " ran")))
    assert list(figure.layout.yaxis.ticktext) == ["the · 1", "fox · 2", "the · 3", "fox · 4"]
    assert list(figure.data[0].y) == [0, 1, 2, 3]
    assert tuple(figure.layout.yaxis.range) == (3.5, -0.5)  # the strongest on top


def test_only_the_strongest_are_drawn_of_many_and_that_is_said() -> None:
    figure = bar_chart(made_importance(np.arange(1, 50), [f" w{place}" for place in range(50)]), most=10)
    assert list(figure.data[0].x) == list(range(49, 39, -1))
    assert "the 10 strongest of 49 words" in figure.layout.xaxis.title.text


def test_noise_is_drawn_as_points_least_first() -> None:
    figure = bar_chart(made_noise())
    assert figure.data[0].type == "scatter"
    assert figure.layout.xaxis.type == "log"
    assert list(figure.data[0].x) == sorted(NOISE)


def test_the_layer_map_is_full_where_little_noise_is_borne_and_ends_with_the_last_word_that_counts() -> None:
    (heat,) = layer_map(made_noise()).data
    assert list(heat.y) == [1, 2]
    strength = np.array([[np.nan if one is None else one for one in row] for row in heat.z])
    assert strength.shape == (2, 6)  # the target itself, the last word, has no column
    assert np.unravel_index(np.nanargmax(strength), strength.shape) == (1, 5)
    assert strength[1, 0] == 0
    assert strength[0, 1] == pytest.approx(np.log(2.0 / 0.4), abs=1e-4)
    assert heat.customdata[1][5] == [5, 1]
    assert heat.hovertext[1][5] == "Layer 2: “more” bears noise of 0.1 before the layer's state changes. Low = needed."


def test_a_layer_map_of_nothing_is_an_empty_figure() -> None:
    (heat,) = layer_map(made_importance(SCORES)).data
    assert len(heat.z) == 0


def test_the_comparison_has_both_values_of_each_word_on_one_scale() -> None:
    one, other = made_importance(SCORES), made_importance((0.9, 0, 0, 0, 0, 0), model="tuned")
    figure = comparison(one, other, titles=("base", "tuned"))
    _, first, second = figure.data
    assert (first.name, second.name) == ("base", "tuned")
    drawn = {place: (left, right) for (place,), left, right in zip(first.customdata, first.x, second.x, strict=True)}
    assert drawn == {place: (SCORES[place], 0.9 if place == 0 else 0) for place in range(6)}
    assert first.customdata[0] == [0]  # furthest from nothing
    assert figure.layout.xaxis.title.text == "log-probability, nats"


def test_maps_of_different_things_are_compared_by_shares_of_their_strongest_word() -> None:
    figure = comparison(made_importance(SCORES), made_noise(), titles=("Ablation", "Noise"))
    assert "percent" in figure.layout.xaxis.title.text
    for trace in figure.data[1:]:
        assert max(np.abs(np.array(trace.x, dtype=float))) == pytest.approx(100)


def test_words_of_two_drafts_are_paired_where_they_are_the_same() -> None:
    pairs = paired(["the", "fox", "the", "sea"], ["the", "fox", "a", "the", "sea", "the"])
    assert [(pair.one, pair.other) for pair in pairs] == [(0, 0), (1, 1), (None, 2), (2, 3), (3, 4), (None, 5)]
    figure = comparison(made_importance((0.5,), ("the", " fox")), made_importance((0.5, 0.1), ("the", " old", " fox")), titles=("1", "2"))
    assert list(figure.data[1].x) == [0.5, None]
    assert list(figure.data[2].x) == [0.5, 0.1]


def test_a_curve_stands_beside_random_orders_as_a_band_and_the_best_order() -> None:
    figure = curve_chart(made_curve())
    low, high, *lines = figure.data
    assert high.fill == "tonexty"
    assert (list(low.y), list(high.y)) == ([-1, -2.5, -4], [-1, -1.5, -4])
    assert {line.name: list(line.y) for line in lines} == {
        "random order": [-1, -2, -4], "by leaving out each alone": [-1, -3.5, -4], "this map": [-1, -3, -4],
    }  # fmt: skip
    assert list(lines[0].x) == [0, 50, 100]


def test_all_curves_have_one_legend() -> None:
    figure = curves(made_check())
    assert len(figure.data) == 15
    assert sorted(trace.name for trace in figure.data if trace.showlegend) == ["by leaving out each alone", "random order", "this map"]
    titles = [one.text for one in figure.layout.annotations]
    assert titles == ["Taking words away, by replacement", "Putting words back, by replacement", "Taking words away, by removal"]


FIGURES = {
    "bars": lambda: bar_chart(made_harm()), "layers": lambda: layer_map(made_harm()), "curves": lambda: curves(made_check()),
    "comparison": lambda: comparison(made_harm(), made_harm(), titles=(HARM[1], HARM[0])), "curve": lambda: curve_chart(made_curve()),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_words_that_mean_harm_are_shown_as_they_are(name: str) -> None:
    figure: go.Figure = FIGURES[name]()
    made = json.loads(figure.to_json())
    assert "<" not in json.dumps(made).replace("<extra></extra>", "")
    assert made["layout"]["paper_bgcolor"] == made["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert all("%{hovertext" not in trace.get("hovertemplate", "") for trace in made["data"])


# Tables


def test_the_table_has_every_word_and_its_numbers() -> None:
    importance = made_noise()
    rows = read(importance_csv(importance))
    assert [row["text"] for row in rows] == [text.strip() for text in NUANCED]
    assert [row["word"] for row in rows] == [str(place) for place in range(1, 8)]
    assert [row["side"] for row in rows] == ["prompt"] * 3 + ["model"] * 4
    assert [float(row["score"]) for row in rows[:6]] == list(NOISE)
    assert (rows[6]["score"], rows[6]["layer_1"]) == ("", "")
    assert [float(row["layer_2"]) for row in rows[:6]] == LAYERS[1][:6]
    assert {row["spread"] for row in rows} == {"0.01"}


def test_numbers_keep_six_digits_and_words_are_no_formulas() -> None:
    rows = read(importance_csv(made_importance((1 / 3, -2e-7, 0, 0, 0, 0), ("=1+1", " @x", " -ing", " -", ' "a, b"', " +49", " x"))))
    assert [row["text"] for row in rows] == ["'=1+1", "'@x", "'-ing", "-", '"a, b"', "'+49", "x"]
    assert (rows[0]["score"], rows[1]["score"], rows[0]["spread"]) == ("0.333333", "-2e-07", "")


def test_the_table_of_two_maps_pairs_their_words() -> None:
    rows = read(comparison_csv(made_importance((0.5,), ("the", " fox")), made_importance((0.4, 0.1), ("the", " old", " fox"))))
    assert [tuple(row.values()) for row in rows] == [
        ("the", "1", "0.5", "1", "0.4"), ("old", "", "", "2", "0.1"), ("fox", "2", "0", "3", "0"),
    ]  # fmt: skip


def test_the_tables_of_a_check_have_its_numbers() -> None:
    first, second = read(check_csv(made_check()))
    assert {name: first[name] for name in ("name", "how", "value", "random", "spread", "oracle", "worst", "better")} == {
        "name": "comprehensiveness", "how": "replacement", "value": "3.125", "random": "0.9", "spread": "0.25", "oracle": "3.6",
        "worst": "-0.2", "better": "higher",
    }  # fmt: skip
    assert (second["value"], second["random"], second["worst"]) == ("0.00412346", "", "")
    rows = read(curves_csv(made_check()))
    assert len(rows) == 9
    assert list(rows[1].values()) == ["deletion", "replacement", "0.5", "-3", "-2", "-2.5", "-1.5", "-3.5"]


# The page and the picture


def test_a_page_says_what_was_asked_how_and_of_whom() -> None:
    page = word_page(made_importance(SCORES, settings={"steps": 7, "seed": 3}), title="On nuance", figures=False)
    for part in (
        "<title>On nuance</title>", "Why “nuanced”? · Ablation · made", "“more” and “economic” did most",
        "the average word", "0123456789abcdef",
        "+0.6 log-probability", "51 % on the prompt, 49 % on the model&#x27;s own text", "“more” speaks for “nuanced”: +0.6", "<dd>3</dd>",
        "(29 %)",
    ):  # fmt: skip
        assert part in page
    assert "<script" not in page
    assert 'class="target"' in page
    assert "Told otherwise." in word_page(made_importance(SCORES), title="t", sentence="Told otherwise.", figures=False)


def test_the_text_on_a_page_reads_as_it_stands() -> None:
    page = word_page(made_harm(), title="t", figures=False)
    text = re.sub(r"<[^>]*>", "", page.split('<p class="text" dir="auto">')[1].split("</p>")[0])
    assert text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&") == "".join(
        HARM
    )


def test_a_page_opens_by_itself_and_asks_no_host_for_anything() -> None:
    page = word_page(made_noise(), title="t", other=made_importance(SCORES), faithfulness=made_check())
    assert page.count(get_plotlyjs()) == 1
    own = own_part(page)
    assert re.search(r"https?:", own) is None
    assert re.search(r"""(?:src|href)\s*=|@import|url\(""", own) is None
    assert "default-src 'none'" in own  # and the browser holds the library to it as well
    assert "prefers-color-scheme: dark" in own
    for part in (
        "The two maps, word by word",
        "layer by layer",
        "Does this map tell the truth?",
        "0.9 ± 0.25",
        "0.41 %",
        "The checks disagree.",
        "no order",
    ):
        assert part in own  # fmt: skip


def test_nothing_breaks_out_of_a_page() -> None:
    own = own_part(word_page(made_harm(), title=HARM[1], other=made_harm(), faithfulness=made_check(), sentence=HARM[1]))
    assert "<img" not in own
    assert "<b>" not in own
    assert "<a " not in own
    assert own.count("<script") == own.count("</script>")
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in own
    assert "$title" in own  # of the text, not of the template


def test_two_maps_on_a_page_have_one_scale_where_they_can() -> None:
    def legends(*maps: WordImportance) -> list[str]:
        return re.findall("</i>([^<]*)</div>", word_page(maps[0], title="t", other=maps[1], figures=False))

    assert legends(made_importance(SCORES), made_importance((3.0, 0, 0, 0, 0, 0))) == ["+3 log-probability"] * 2
    assert legends(made_importance(SCORES), made_noise()) == ["+0.6 log-probability", "0.1 · low = important"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("importance", [made_importance(SCORES), made_noise(), made_harm(), made_translation((0.2, 0.5, 0, 0, 0.1))])
def test_the_picture_is_whole_and_asks_for_nothing(importance: WordImportance, dark: bool) -> None:
    picture = word_picture(importance, dark=dark)
    tree = ET.fromstring(picture)  # noqa: S314 - our own
    kinds = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert kinds <= {"svg", "title", "rect", "text", "defs", "linearGradient", "stop"}
    assert not [element.attrib for element in tree.iter() if any("href" in name or name.startswith("on") for name in element.attrib)]
    texts = [element.text or "".join(element.itertext()) for element in tree.iter() if element.tag.endswith("text")]
    shown = " ".join("".join(element.itertext()) for element in tree.iter() if element.tag.endswith("text"))
    assert texts
    for word in shade(importance).words:
        assert not word.text.strip() or word.text.strip() in shown


def test_a_long_text_is_wrapped_inside_the_picture() -> None:
    long = made_importance([0.1] * 199, [" words"] * 100 + ["\n\nmore"] + [" " + "long" * 60] * 99)
    tree = ET.fromstring(word_picture(long))  # noqa: S314 - our own
    rects = [element for element in tree.iter() if element.tag.endswith("rect") and element.get("rx") == "3"]
    assert len(rects) > 199
    assert all(float(rect.get("x", "nan")) + float(rect.get("width", "nan")) <= WIDTH for rect in rects)
    assert max(float(rect.get("y", "nan")) for rect in rects) < float(tree.get("height", "0"))
