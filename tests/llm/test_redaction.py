"""Personal data on its way to a model elsewhere, and the reply's words on their way back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.backends import open_backend, open_decisions
from service.grading.models import ChatReply, ChatRequest, DecisionReply, DecisionRequest, Message, Place, YesNo
from service.llm.redaction import Mask, Recognisers, RedactingChat, RedactingDecisions
from service.llm.scripted import RepliesInOrder
from service.llm.scripted_decisions import DecisionsInOrder
from tests.conftest import make_settings

RECOGNISERS = Recognisers()
PERSONAL = {
    "e-mail": "ada.lovelace@example.org",
    "e-mail inside": "ada@intern.firma",
    "phone": "+49 30 901820",
    "phone in brackets": "(212) 555-0123",
    "IBAN": "DE89370400440532013000",
    "card": "4111 1111 1111 1111",
    "IPv4": "192.168.17.4",
    "web address": "https://ada.example.org/cv?x=1",
}
HARMLESS = (
    "From 10.4 to 12.9, p = 0.03, n = 1,200; 2023-2024, on 2024-11-25; 1600 1700 1800; pi is 3.14159; "
    "df.info and sklearn.linear_model; 99.95 percent; version 1.2; a 95 % interval of [0.1, 0.4]."
)


class Elsewhere(RepliesInOrder):
    """A scripted model that runs outside the own network."""

    async def place(self) -> Place:
        """Not here."""
        return Place(local=False)


def masked(text: str) -> tuple[str, Mask]:
    """A text with placeholders, and what they stand for."""
    mask = Mask(RECOGNISERS, text)
    return mask.text(text), mask


@pytest.mark.parametrize("words", PERSONAL.values(), ids=PERSONAL)
def test_personal_data_becomes_a_placeholder_and_comes_back(words: str) -> None:
    """In the middle of a sentence, twice the same."""
    text = f"I wrote to {words} and again to {words}, then tested it."

    sent, mask = masked(text)

    assert words not in sent
    assert len(mask.placeholders) == 1
    assert mask.undone(sent) == text


def test_numbers_dates_and_code_in_an_answer_are_left_alone() -> None:
    """They are what is judged."""
    assert masked(HARMLESS)[0] == HARMLESS


def test_a_placeholder_is_never_one_that_the_text_holds_already() -> None:
    """Else the reply would put words in the wrong place."""
    text = "[EMAIL_ADDRESS_1] and ada@example.org"

    sent, mask = masked(text)

    assert sent == "[EMAIL_ADDRESS_1] and [EMAIL_ADDRESS_2]"
    assert mask.undone(sent) == text


def test_the_fence_around_an_answer_is_not_taken_for_a_number() -> None:
    """Twelve digits are a telephone number elsewhere."""
    text = "<answer-212555012345>\nx\n</answer-212555012345>"

    assert masked(text)[0] == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.sampled_from(sorted(PERSONAL.values())))
def test_whatever_is_masked_comes_back_as_it_was(around: str, words: str) -> None:
    """For any text around it that JSON needs not escape."""
    text = f"{around} {words} {around}"

    sent, mask = masked(text)

    if not any('"' in found or "\\" in found or not found.isprintable() for found in mask.placeholders):
        assert mask.undone(sent) == text


@pytest.mark.anyio
async def test_a_model_elsewhere_is_shown_placeholders_and_its_quotes_are_the_answer_s_words() -> None:
    """In messages and in the schema, which may list the answer's passages."""
    words = PERSONAL["e-mail"]
    model = Elsewhere([ChatReply('{"quote": "Write to [EMAIL_ADDRESS_1]"}')])
    chat = RedactingChat(model, RECOGNISERS)
    request = ChatRequest(
        "coach",
        (Message("system", "Quote."), Message("user", f"Write to {words}")),
        max_tokens=5,
        schema={"properties": {"quote": {"enum": [f"Write to {words}"]}}},
    )

    reply = await chat.complete(request, 1)

    assert reply.text == f'{{"quote": "Write to {words}"}}'
    assert words not in str(model.requests)
    assert "[EMAIL_ADDRESS_1]" in str(model.requests[0].schema)
    assert await chat.place() == Place(local=False, redacted=True)


@pytest.mark.anyio
async def test_a_model_on_the_own_network_is_shown_the_text_as_it_is() -> None:
    """Nothing leaves."""
    model = RepliesInOrder([ChatReply("x")])
    request = ChatRequest("coach", (Message("user", PERSONAL["e-mail"]),), max_tokens=5)

    await RedactingChat(model, RECOGNISERS).complete(request, 1)

    assert model.requests == [request]


def test_recognising_asks_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of top-level domains is not fetched."""
    import socket

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)

    assert len(Recognisers().find(" ".join(PERSONAL.values()))) == len(PERSONAL)


def test_redaction_that_is_asked_for_wraps_the_model(tmp_path: Path) -> None:
    """DEBRIEF_REDACT=true."""
    backend = open_backend(make_settings(tmp_path, model="openai/m", openai_api_key="k", redact=True))

    assert isinstance(backend, RedactingChat)


class DeciderElsewhere(DecisionsInOrder):
    """A scripted decision model that runs outside the own network."""

    async def place(self) -> Place:
        """Not here."""
        return Place(local=False)


@pytest.mark.anyio
async def test_a_decision_model_elsewhere_sees_no_personal_data_either() -> None:
    """Neither in the state nor in a question; the same words have the same placeholder."""
    mail = PERSONAL["e-mail"]
    request = DecisionRequest("judge", f"I wrote to {mail}.", (YesNo("point_1", f"Does it name {mail}?"),))
    far, near = DeciderElsewhere([DecisionReply({})]), DecisionsInOrder([DecisionReply({})])

    await RedactingDecisions(far, RECOGNISERS).complete(request, 5)
    await RedactingDecisions(near, RECOGNISERS).complete(request, 5)

    (sent,) = far.requests
    assert sent.state == "I wrote to [EMAIL_ADDRESS_1]."
    assert sent.questions[0].instructions == "Does it name [EMAIL_ADDRESS_1]?"
    assert near.requests == [request]
    assert await RedactingDecisions(far, RECOGNISERS).place() == Place(local=False, redacted=True)


def test_redaction_covers_every_model_of_a_line_up(tmp_path: Path) -> None:
    """Chat and decision models alike."""
    settings = make_settings(tmp_path, redact=True)

    assert isinstance(open_backend(settings, model="scripted/obedient"), RedactingChat)
    assert isinstance(open_decisions(settings, "typesafe/jev-latest"), RedactingDecisions)
