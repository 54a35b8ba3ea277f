"""The quality score: bounded, open in all its parts, and true to what each part says it rewards or punishes."""
# ruff: noqa: RUF001 - quotes, dashes and letters of all scripts are what this is about

from __future__ import annotations

import math
import random
import time

import pytest

from narrative.corpus.quality import COMPONENTS, THRESHOLD, quality

STORY = (
    "Once there was a small fox who lived under the old bridge. Every morning she ran to the river, because the fish were awake then and "
    "the geese were not.\nOne day a boat came down the water. “Who are you?” asked the fox. “I am lost,” said a boy in a red cap. He had "
    "no shoes, and his nose was cold.\nThe fox thought for a while. Could she help him? Behind the mill stood a house with smoke above it, "
    "and she had often stolen cheese there. “Follow me,” she said at last.\nThey walked through wet grass until the door was near. His "
    "mother cried and laughed when she saw them! From that evening on, a plate of cheese stood outside for whoever might come."
)
SILENT = STORY.replace("“", "").replace("”", "")


def score(text: str) -> float:
    return quality(text).score


def value(text: str, name: str) -> float:
    return quality(text).values[name]


def test_a_good_story_passes_and_every_part_of_its_score_is_open() -> None:
    found = quality(STORY)
    assert THRESHOLD < found.score <= 1
    assert [part.name for part in found.parts] == [component.name for component in COMPONENTS]
    assert all(0 <= part.value <= 1 and part.label for part in found.parts)
    rewards = sum(part.weight * part.value for part in found.parts if part.reward)
    assert found.score == pytest.approx(rewards * math.prod(part.value**part.weight for part in found.parts if not part.reward))


def test_the_weights_of_the_rewards_sum_to_one() -> None:
    assert sum(component.weight for component in COMPONENTS if component.reward) == pytest.approx(1)
    assert len({component.name for component in COMPONENTS}) == len(COMPONENTS)


@pytest.mark.parametrize("text", ["", " \n ", "…", "🦊🦊🦊", "---"])
def test_a_text_without_a_word_scores_nothing(text: str) -> None:
    assert score(text) == 0
    assert set(quality(text).values.values()) == {0.0}


def words_by_lot(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("abdefgilmnoprstu", k=draw.randint(2, 9))) for _ in range(count)]


def shuffled(text: str) -> str:
    words = text.split()
    random.Random(1).shuffle(words)
    return " ".join(words)


BAD = {
    "three words": "The fox ran.",
    "one sentence twenty times": "The little fox ran to the big red house. " * 20,
    "shouting": STORY.upper(),
    "marks of excitement": STORY.replace(".", "!!!!").replace(",", "!!!"),
    "words by lot": " ".join(words_by_lot(200)),
    "words by lot in sentences": " ".join(" ".join(words_by_lot(8, seed)).capitalize() + "." for seed in range(25)),
    "the story's words shuffled": shuffled(STORY),
    "numbers": " ".join(f"{number} is {number * 7}." for number in range(100)),
    "code": "for (int i = 0; i < n; i++) { a[i] += b[i] * c; }\n" * 5 + "if (x == y) { return *p->q; }",
    "one word": "fox " * 100,
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_story_is_dropped(name: str) -> None:
    assert score(BAD[name]) < 0.6 < score(STORY)


def test_direct_speech_raises_the_score() -> None:
    assert score(STORY) > score(SILENT)
    assert value(SILENT, "speech") == 0
    one = SILENT.replace("Follow me,", "“Follow me,”")
    assert 0 < value(one, "speech") < value(STORY, "speech")
    assert score(SILENT) < score(one) < score(STORY)


@pytest.mark.parametrize(
    "marks", ["“{}”", '"{}"', "‘{}’", "'{}'", "«{}»", "»{}«", "„{}“", "「{}」", "\n— {}\n"], ids=range(9)
)  # fmt: skip
def test_speech_is_known_by_the_quotes_of_any_house(marks: str) -> None:
    text = f"{SILENT} {marks.format('I can’t see the river from here, and I do not like it at all')}, he said."
    assert value(text, "speech") > value(SILENT, "speech")


def test_an_apostrophe_is_no_speech() -> None:
    assert value("It's the fox's house, and the boys' boat didn't come. 'Tis late.", "speech") == 0


def test_the_more_is_repeated_the_lower_the_score() -> None:
    line = "The fox sat by the river and waited for the boat. "
    scores = [score(f"{STORY} {line * times}") for times in (1, 4, 8, 16, 32, 64)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > THRESHOLD > 0.3 > scores[-1]
    values = [value(f"{STORY} {line * times}", "repetition") for times in (1, 4, 8, 16, 32)]
    assert values == sorted(values, reverse=True)
    phrases = " ".join(f"{word.capitalize()} went down to the river bank {word}ly." for word in words_by_lot(20))
    assert value(phrases, "repetition") < 0.5
    assert value(STORY.replace("the", "the the the"), "repetition") < value(STORY, "repetition")


def test_more_different_words_raise_variety_and_vocabulary() -> None:
    poor = " ".join(["The cat sat on the mat and the cat saw the mat."] * 12)
    assert value(poor, "variety") < value(STORY, "variety")
    assert value(poor, "vocabulary") < value(STORY, "vocabulary")
    richer = [value(" ".join(words_by_lot(200)[:different] * (200 // different)), "variety") for different in (5, 10, 25, 50)]
    assert richer == sorted(richer)
    assert richer[0] < richer[-1]


def test_variety_does_not_fall_because_a_text_is_long() -> None:
    long = " ".join(words_by_lot(3_000))
    assert value(long, "variety") == pytest.approx(value(" ".join(words_by_lot(300)), "variety"), abs=0.02)


def test_sentences_that_all_run_alike_lower_the_score() -> None:
    alike = " ".join(f"The fox saw {word} and {other} there." for word, other in zip(words_by_lot(25), words_by_lot(25, 9), strict=True))
    assert value(alike, "sentences") < 0.3 < value(STORY, "sentences")
    assert value("The fox sat by the river and waited", "sentences") == 0


def test_too_short_and_too_long_are_punished() -> None:
    words = SILENT.split()
    growing = [value(" ".join(words[:count]), "length") for count in (3, 10, 30, 60, 90)]
    assert growing == sorted(growing)
    assert growing[0] < 0.05
    assert value(STORY, "length") == 1
    falling = [value(" ".join(words_by_lot(count)), "length") for count in (2_000, 4_000, 8_000)]
    assert falling[0] == 1
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < falling[0]


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("long words", lambda times: STORY + " incomprehensibilities" * times),
        ("characters", lambda times: STORY + " #§$%" * times),
        ("characters", lambda times: STORY + " NOW THEN" * times),
        ("characters", lambda times: STORY + " 4711" * times),
        ("form", lambda times: STORY + " and so it\n" * times),
    ],
)
def test_the_more_of_a_fault_the_lower_its_part_and_the_score(name: str, worse) -> None:  # type: ignore[no-untyped-def]
    values = [value(worse(times), name) for times in (0, 5, 10, 20, 40)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]
    assert score(worse(20)) < score(STORY)


def test_words_that_never_come_again_bind_no_sentence() -> None:
    assert value(STORY, "flow") == 1
    assert value(BAD["words by lot in sentences"], "flow") < 0.5


GERMAN = (
    "Es war einmal ein kleiner Fuchs, der unter der alten Brücke wohnte. Jeden Morgen lief er zum Fluss, denn dann "
    "schliefen die Gänse noch.\n"
    "Eines Tages kam ein Boot. „Wer bist du?“, fragte der Fuchs. „Ich habe mich verlaufen“, sagte ein Junge mit "
    "einer roten Mütze. Seine Nase war kalt, und Schuhe hatte er auch nicht.\n"
    "Der Fuchs dachte nach. Hinter der Mühle stand ein Haus, aus dem es rauchte. „Komm mit!“, rief er. Sie gingen "
    "durch das nasse Gras, bis sie vor der Tür standen, und die Mutter weinte und lachte zugleich. Seitdem steht "
    "dort jeden Abend ein Teller mit Käse für den, der vorbeikommt."
)
RUSSIAN = (
    "Жила-была маленькая лиса, и жила она под старым мостом. Каждое утро она бегала к реке, потому что гуси тогда "
    "ещё спали.\n"
    "— Кто ты? — спросила лиса, когда пришла лодка.\n"
    "— Я заблудился, — сказал мальчик в красной шапке. Нос у него замёрз, и башмаков у него не было.\n"
    "Лиса долго думала. За мельницей стоял дом, из трубы шёл дым. «Иди за мной!» — крикнула она. Они пошли по "
    "мокрой траве и скоро увидели дверь, а мать заплакала и засмеялась сразу. С тех пор каждый вечер там стоит сыр "
    "для того, кто придёт. Так и живут они до сих пор, и лиса иногда сидит у них возле печки, а гуси на неё "
    "сердятся."
)
ARABIC = (
    "كان يا ما كان، ثعلبة صغيرة تعيش تحت الجسر القديم. كانت تركض كل صباح إلى النهر لأن الإوز كان نائمًا.\n"
    "وفي يوم جاء قارب مع الماء. «من أنت؟» سألت الثعلبة. «أنا ضائع» قال ولد على رأسه قبعة حمراء. كان أنفه باردًا "
    "ولم يكن له حذاء.\n"
    "فكرت الثعلبة طويلًا. خلف الطاحونة بيت يخرج منه الدخان. «اتبعني!» قالت له. سارا في العشب المبلول حتى وصلا إلى "
    "الباب، فبكت الأم وضحكت معًا. ومنذ ذلك المساء يوضع صحن من الجبن لمن يمر من هناك. وما زالت الثعلبة تأتي كل "
    "ليلة، والولد يفتح لها الباب ويحكي لها عن البحر."
)
CHINESE = (
    "从前有一只小狐狸，住在老桥下面。每天早上她都跑到河边，因为那时候鹅还在睡觉。\n"
    "有一天，一条小船漂来了。“你是谁？”狐狸问。“我迷路了。”戴红帽子的男孩说。他没有鞋子，鼻子也冻红了。\n"
    "狐狸想了很久。磨坊后面有一座房子，烟囱里冒着烟。“跟我来吧！”她终于说。他们穿过湿湿的草地，来到门前，妈妈又哭又笑。从那"
    "天晚上起，门外总放着一盘奶酪，给路过的客人吃。"
)


@pytest.mark.parametrize("story", [GERMAN, RUSSIAN, ARABIC, CHINESE], ids=["German", "Russian", "Arabic", "Chinese"])
def test_stories_in_other_languages_and_scripts_pass_and_their_ruins_do_not(story: str) -> None:
    assert score(story) > THRESHOLD
    end = "。" if story is CHINESE else ". "
    first = story.partition(end)[0] + end
    assert score(first * 20) < 0.3
    assert score(story[:20]) < 0.5


def test_any_text_gets_a_score_between_none_and_one() -> None:
    draw = random.Random(7)
    scraps = [
        "fox",
        "The",
        ".",
        "!",
        "“",
        "”",
        " ",
        " ",
        "\n",
        "é",
        "猫",
        "ا",
        "🦊",
        "7",
        "_",
        "-",
        "'",
        "\x00",
        "\ud800",
        "\u200d",
        "ﷺ",
        "ß",
        "İ",
    ]
    for _ in range(400):
        text = "".join(draw.choices(scraps, k=draw.randrange(60)))
        found = quality(text)
        assert 0 <= found.score <= 1
        assert all(0 <= part.value <= 1 for part in found.parts)
        assert quality(text) == found


@pytest.mark.parametrize(
    "text", ['"' * 50_000, "'a" * 30_000, "— " * 30_000, "." * 100_000, "x" * 200_000, "a " * 60_000], ids=list("\"'—.xa")
)
def test_a_hostile_text_takes_no_more_than_its_time(text: str) -> None:
    started = time.process_time()
    assert 0 <= score(text) < 0.5
    assert time.process_time() - started < 4
