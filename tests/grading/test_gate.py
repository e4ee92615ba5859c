"""What a rule decides before any model is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.gate import GateRule, gate, sentence_for

QUESTION = "How do you put a fraud model into production and know six months later that it still works?"


def rule(answer: str, question: str = QUESTION) -> GateRule | None:
    """The rule that fires, if one does."""
    verdict = gate(question, answer)
    return verdict.rule if verdict else None


@pytest.mark.parametrize("answer", [" ", "\n\t", "...", "-", "\u200b\u2060\ufeff", "\u00a0\u3000", "👍", "?!"])
def test_an_answer_without_letters_or_digits_is_blank(answer: str) -> None:
    """Space, punctuation, symbols and invisible characters say nothing."""
    assert rule(answer) is GateRule.BLANK


@pytest.mark.parametrize(
    "answer",
    [
        "No submission.",
        "Empty submission",
        "NOT ATTEMPTED",
        "(left blank)",
        "[Type your answer here]",
        "Your answer here.",
        "No answer was given.",
        "Did not respond",
        "TBD",
    ],
)
def test_what_a_form_puts_where_nobody_wrote_is_blank(answer: str) -> None:
    """Learning platforms export a word for nothing; it is no answer."""
    assert rule(answer) is GateRule.BLANK


@pytest.mark.parametrize("answer", ["Blank rows.", "Empty set", "Missing values", "None", "null", "No answer key"])
def test_a_word_for_nothing_may_be_the_answer(answer: str) -> None:
    """Nothing can be what was asked about."""
    assert rule(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "I don't know",
        "i dont know.",
        "Hmm, honestly I don’t know, sorry.",
        "No idea",
        "I'm not sure",
        "Sorry, I can't answer that.",
        "idk",
        "No response.",
        "pass",
        "Je ne sais pas",
        "Das weiß ich nicht.",
    ],
)
def test_saying_only_that_one_does_not_know_is_settled_by_rule(answer: str) -> None:
    """In several wordings."""
    assert rule(answer) is GateRule.DONT_KNOW


@pytest.mark.parametrize(
    "answer", ["Solution", "Thought process:", "Here is my answer:", "解", "Let's solve this step by step."]
)
def test_announcing_an_answer_without_giving_one_has_no_content(answer: str) -> None:
    """The "master keys" that graders fall for (arXiv 2507.08794)."""
    assert rule(answer) is GateRule.NO_CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(QUESTION, id="pasted"),
        pytest.param(QUESTION.upper().rstrip("?") + "...", id="pasted in capitals"),
        pytest.param(
            "So the question is how you put a fraud model into production and know six months later that it still "
            "works. That is a really good question and I will now explain it.",
            id="wrapped in talk",
        ),
    ],
)
def test_the_question_given_back_is_no_answer(answer: str) -> None:
    """Verbatim or wrapped in filler."""
    assert rule(answer) is GateRule.QUESTION_RESTATED


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param("Which is worse here, a false positive or a false negative?", "A false negative.", id="a choice"),
        pytest.param(
            "Is the median more robust to outliers than the mean?",
            "The median is more robust to outliers.",
            id="yes or no",
        ),
        pytest.param("Does a LEFT JOIN keep unmatched rows?", "Yes.", id="one word"),
        pytest.param(
            QUESTION, "I don't know the tooling, but I would log every score and watch drift.", id="knows some"
        ),
        pytest.param(QUESTION, "Shadow mode, then monitoring.", id="terse"),
        pytest.param(QUESTION, "No. It needs labels.", id="begins with no"),
        pytest.param("What is 7 * 6?", "42", id="a number"),
        pytest.param("Name a robust location estimate.", "中位数", id="another script"),
    ],
)
def test_a_short_answer_is_still_an_answer(question: str, answer: str) -> None:
    """The basics decide; brevity is no fault."""
    assert rule(answer, question) is None


@given(question=st.text(max_size=100), answer=st.text(max_size=200))
def test_the_gate_never_fails_and_every_rule_has_a_sentence(question: str, answer: str) -> None:
    """For any text."""
    verdict = gate(question, answer)

    assert verdict is None or verdict.sentence == sentence_for(verdict.rule) != ""


@pytest.mark.parametrize(
    "answer",
    [
        "Mm, no. That's not something I've ever had to use, I'd only be guessing. Could we go to the next one?",
        "Sorry, my head is empty now. I have read about it one time, long ago, but I can not tell you anything.",
        "I've never heard of it, sorry.",
    ],
)
def test_people_say_in_many_ways_that_they_do_not_know(answer: str) -> None:
    """Spoken, and by non-native speakers."""
    verdict = gate("What is the central limit theorem?", answer)

    assert verdict is not None
    assert verdict.rule is GateRule.DONT_KNOW


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Would you impute or skip missing rows?", "I would skip missing rows."),
        ("Is the mean ever used with skewed data?", "The mean is never used with skewed data."),
        ("When is accuracy used on imbalanced data?", "Never used on imbalanced data."),
        ("What happens to NULL rows in an inner join?", "NULL rows pass"),
    ],
)
def test_a_short_real_answer_in_the_question_s_own_words_is_read(question: str, answer: str) -> None:
    """A wrong rule would give the lowest level to a right answer."""
    assert gate(question, answer) is None


def test_a_question_said_back_in_other_forms_of_its_words_is_restated() -> None:
    """Decide, decides, decision."""
    answer = "When to retrain a model, how I decide it. There is a model, and one decides when it is retrained."

    verdict = gate("How do you decide when to retrain a model?", answer)

    assert verdict is not None
    assert verdict.rule is GateRule.QUESTION_RESTATED


@pytest.mark.parametrize(
    "answer",
    [
        "Gedankengang:",
        "Lass uns das Schritt für Schritt durchgehen.",
        "Réfléchissons étape par étape.",
        "Voici ma réponse :",
        "Vamos a resolver esto paso a paso.",
        "Давайте решим эту задачу шаг за шагом.",
        "思考过程：",
        "让我们一步一步来解决这个问题。",
        "ステップバイステップで考えましょう。",
        "풀이:",
        "الحل:",
        "चलिए इसे चरण दर चरण हल करते हैं",
        "Sure, here is a detailed and comprehensive answer to your question:",
    ],
)
def test_an_announcement_is_one_in_any_language(answer: str) -> None:
    """Headings with nothing under them, and "let us solve this step by step"."""
    assert rule(answer) is GateRule.NO_CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        "Keine Ahnung, tut mir leid.",
        "Je n'en sais rien.",
        "No tengo ni idea",
        "Não faço ideia",
        "Non lo so.",
        "Nie wiem.",
        "Не знаю",
        "我不知道",
        "すみません、わかりません。",
        "모르겠습니다",
        "لا أعرف",
        "मुझे नहीं पता",
        "Bilmiyorum",
        "Not a clue.",
        "I haven't the faintest idea",
    ],
)
def test_not_knowing_is_said_in_many_languages(answer: str) -> None:
    """And settled alike."""
    assert rule(answer) is GateRule.DONT_KNOW


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("¿Qué es el sobreajuste y cómo lo evitas?", "La pregunta es qué es el sobreajuste y cómo se evita."),
        ("Qu'est-ce que le surapprentissage ?", "Vous me demandez ce qu'est le surapprentissage."),
        ("Что такое переобучение?", "Вы спрашиваете, что такое переобучение."),
        ("什么是过拟合，如何避免？", "你问的是什么是过拟合，以及如何避免过拟合。"),
        ("過学習とは何ですか？", "過学習とは何かという質問ですね。"),
    ],
)
def test_a_question_is_given_back_in_its_own_language(question: str, answer: str) -> None:
    """With the small words of that language set aside."""
    assert rule(answer, question) is GateRule.QUESTION_RESTATED


@pytest.mark.parametrize("answer", ["No.", "Sí.", "Nein", "是", "はい", "Die Varianz.", "精确率", "Precision"])
def test_a_word_may_be_the_answer(answer: str) -> None:
    """A plain yes or no, or the thing asked for."""
    assert rule(answer, "Does a LEFT JOIN drop unmatched rows, and which measure shows it?") is None
