"""Text is kept as it was sent, code point by code point, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.settings import DatabaseSettings
from tests.conftest import Client, make_settings, running
from tests.storage.conftest import postgres, url

__all__ = ["postgres", "url"]

pytestmark = pytest.mark.anyio

CORPUS = {
    "emoji family (ZWJ)": "👩\u200d👩\u200d👧\u200d👦",
    "emoji with skin tone and selector": "👍🏽 ☝️ ❤\ufe0e",
    "flags": "🇩🇪🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "right to left": "שלום עולם مرحبا \u202bمثال\u202c \u2067x\u2069",
    "decomposed and composed": "e\u0301 é A\u030a Å Å",
    "stacked marks": "Z̷̢͇̪a͟l͜g̵o",
    "Hangul jamo": "\u1112\u1161\u11ab 한",
    "compatibility": "ﬁ ½ ① Ⅷ ｆｕｌｌ ㎏ ſ",
    "noncharacters": "\ufdd0 \ufffe \uffff \U0001fffe \U0010ffff",
    "private use": "\ue000 \U000f0000",
    "astral letters": "𝒑-𝓿𝓪𝓵𝓾𝓮 𠮷 𒀀",
    "line ends": "a\nb\r\nc\rd\u2028e\u2029f\x85g\x0bh\x0ci",
    "invisible": "a\u200bb\u2060c\ufeffd\u00ade",
    "controls": "\x01\x02\x1b[31m\x7f\x80\x9f",
    "spaces": "  \t\u00a0\u2003\u3000 x  ",
    "quotes and escapes": "\"'\\ \\u0041 %41 &amp; {{7*7}} ${x} '; DROP TABLE grades; --",
    "Turkish and Greek": "İı ΌΣΟΣ ς ß ẞ",
    "Devanagari and Thai": "क्षि न्दी ที่นี่",
}


def texts(around: str) -> dict[str, object]:
    """A request that carries a text wherever it takes one."""
    return {
        "question": f"Why? {around}",
        "answer": f"{around}It assumes the null.{around}",
        "reference": f"{around}.",
        "key_points": [f"point {around}"],
        "context": {"industry": around[:100]},
        "learner": around[:200] or "l",
        "metadata": {"course": around[:512]},
    }


async def comes_back(client: Client, sent: dict[str, object]) -> None:
    """The grade, what was sent and the list by learner hold the text unchanged; quotes stand where they say."""
    made = await client.post("/v1/grades", json=sent)
    assert made.status_code == 201, made.text
    grade = (await client.get(made.headers["location"], params={"include": "submission"})).json()
    listed = (await client.get("/v1/grades", params={"learner": str(sent["learner"])})).json()["data"]

    for name in ("question", "answer", "reference", "key_points", "context"):
        assert grade["submission"][name] == sent[name], name
    assert (grade["learner"], grade["metadata"]) == (sent["learner"], sent["metadata"])
    assert grade["id"] in {item["id"] for item in listed}
    answer = str(sent["answer"])
    for criterion in grade["criteria"]:
        for evidence in criterion["evidence"]:
            assert answer[evidence["start"] : evidence["end"]] == evidence["quote"]


async def test_every_kind_of_text_comes_back_as_it_was_sent(tmp_path: Path, url: str) -> None:
    """The corpus, on SQLite and on Postgres."""
    async with running(make_settings(tmp_path, database=DatabaseSettings(url=url))) as (client, _):
        for text in CORPUS.values():
            await comes_back(client, texts(text))


@pytest.mark.parametrize("bad", ["\x00", "\ud800", "a\udc00b"], ids=["NUL", "high", "low"])
@pytest.mark.parametrize("field", ["question", "answer", "reference", "key_points", "context", "learner", "metadata"])
async def test_text_that_cannot_be_kept_is_refused(client: Client, field: str, bad: str) -> None:
    """NUL and lone surrogates, wherever text goes; 400 or 422, never 500."""
    sent = {**texts("fine "), field: texts(f"x{bad}")[field]}

    reply = await client.post(
        "/v1/grades", content=json.dumps(sent).encode(), headers={"content-type": "application/json"}
    )

    assert reply.status_code in (400, 422)
    assert reply.headers["content-type"] == "application/problem+json"


any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(around=any_text)
async def test_any_text_comes_back_as_it_was_sent(client: Client, around: str) -> None:
    """Drawn from all of Unicode."""
    await comes_back(client, texts(around))
