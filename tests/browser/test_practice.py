"""Practising an answer in a browser: with the mouse, by keyboard alone, with JavaScript off."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.server import Site

ANSWER = "👩‍🔬🎓 𝔸 p-value assumes the null hypothesis. It is a tail probability, so we look at 0.05."
GRADE = re.compile(r"/grades/grd_\w+$")


def said(page: Page) -> str:
    """The marked answer as a person sees it."""
    text = page.locator(".your-answer .said").evaluate(
        "node => { const copy = node.cloneNode(true); copy.querySelectorAll('.unseen').forEach(n => n.remove());"
        " return copy.textContent; }"
    )
    return str(text)


def test_words_and_speaking_time_are_counted_as_one_types(page: Page) -> None:
    """As the server counts them."""
    page.goto("/")

    page.get_by_label("Your answer").fill("It's a well-known tail probability, isn't it? 👩‍🔬")

    expect(page.locator("#counted")).to_have_text("7 words, about 3 s spoken")


def test_feedback_arrives_criterion_by_criterion(page: Page, held: Site) -> None:
    """Waiting rows first; when the model goes on they fill, then the page turns into the feedback."""
    page.goto("/")
    page.get_by_label("Your answer").fill(f"Held back: {ANSWER}")
    page.get_by_role("button", name="Get feedback").click()

    expect(page).to_have_url(GRADE)
    expect(page.get_by_role("listitem").filter(has_text="Judging 4 criteria")).to_have_attribute("aria-current", "step")
    expect(page.locator(".decided .waiting")).to_have_count(4)

    held.model.go.set()

    expect(page.get_by_role("heading", name="Criterion by criterion")).to_be_visible()
    expect(page.locator("main")).to_be_focused()
    expect(page).to_have_title("Feedback · debrief")


def test_highlights_fall_on_the_quoted_words_whatever_the_characters(page: Page) -> None:
    """Offsets are code points; JavaScript would have counted these characters double."""
    page.goto("/")
    page.get_by_label("Your answer").fill(ANSWER)
    page.get_by_role("button", name="Get feedback").click()
    page.get_by_role("heading", name="Criterion by criterion").wait_for()

    grade = page.request.get(f"/v1{page.url[page.url.index('/grades') :]}").json()
    quotes = {evidence["quote"] for criterion in grade["criteria"] for evidence in criterion["evidence"]}
    marked = page.locator(".your-answer .said mark").evaluate_all(
        "marks => marks.map(mark => mark.querySelector('a').firstChild.textContent)"
    )
    assert said(page) == ANSWER
    assert set(marked) == quotes
    assert any("𝔸 p-value" in quote for quote in quotes)


def test_a_quote_and_its_remark_light_up_together(page: Page) -> None:
    """Point at one, see the other; a click leads there."""
    page.goto("/grades/grd_FIRST")
    words = page.locator(".your-answer .said mark a").filter(has_text="We usually compare it with 0.05")
    remark = page.locator("#remark-clarity-0")

    words.hover()
    expect(remark).to_have_class(re.compile("lit"))
    words.click()

    expect(page).to_have_url(re.compile("#remark-clarity-0$"))
    expect(remark).to_be_in_viewport()


def test_trying_again_compares_the_two_attempts(page: Page) -> None:
    """The old words beside the box, then what got fixed and what is open."""
    page.goto("/grades/grd_FIRST")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("complementary", name="Your last attempt")).to_contain_text("97 percent")
    expect(page.get_by_label("Your answer")).to_have_value(re.compile("97 percent"))

    page.goto("/grades/grd_SECOND")

    expect(page.get_by_role("heading", name="Fixed 8")).to_be_visible()
    expect(page.get_by_role("region", name="Levels of both attempts")).to_contain_text("clearly up")


def test_questions_are_found_as_one_types(page: Page) -> None:
    """The list narrows at once and says to how many."""
    page.goto("/questions")
    page.get_by_label("Search").fill("left join")

    expect(page.get_by_role("status")).to_have_text(re.compile(r"^\d of \d+ questions$"))
    page.get_by_role("link", name="Explain inner join and left join").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Explain inner join")


def test_what_cannot_be_used_is_named_and_focused(page: Page) -> None:
    """The summary has the focus, its link leads to the field."""
    page.goto("/")
    page.get_by_role("button", name="Get feedback").click()

    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("link", name="Answer is empty").click()
    expect(page.get_by_label("Your answer")).to_be_focused()


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    """Skip the navigation, answer, send, read, go to a remark."""
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "answer":
            break
    page.keyboard.type("A p-value is a tail probability under the null.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.get_by_role("heading", name="Criterion by criterion").wait_for()
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('mark') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#remark-"))


def test_without_javascript_everything_but_the_stream_works(browser: Browser, site: Site) -> None:
    """Answer, wait, look again, read."""
    plain = browser.new_context(base_url=site.address, java_script_enabled=False)
    page = plain.new_page()
    site.model.go.clear()
    try:
        page.goto("/questions")
        page.get_by_label("Search").fill("p-value is")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="Can you explain what a p-value is?").click()
        page.get_by_label("Your answer").fill(f"Without scripts: {ANSWER}")
        page.get_by_role("button", name="Get feedback").click()
        expect(page.get_by_text("Being graded")).to_be_visible()
    finally:
        site.model.go.set()
    for _ in range(100):
        page.goto(page.url)
        if page.get_by_role("heading", name="Criterion by criterion").count():
            break
    expect(page.get_by_role("heading", name="Criterion by criterion")).to_be_visible()
    plain.close()


def test_a_hostile_answer_runs_nothing(context: BrowserContext) -> None:
    """No dialog, no element of its making."""
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> It is a tail probability under the null."
    page.goto("/")
    page.get_by_label("Your answer").fill(hostile)
    page.get_by_role("button", name="Get feedback").click()
    page.get_by_role("heading", name="Criterion by criterion").wait_for()

    assert said(page) == hostile
    assert page.locator("main img").count() == 0
    assert dialogs == []
