"""The report and its companions: what they say, that nothing in an answer can act, that one variant is enough."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evals.analysis import COULD_NOT_RUN, PASS, REGRESSION, Analysis, analyse
from evals.analysis_cli import conclude
from evals.baseline import accept
from evals.finished import read_run
from evals.report.charts import Axis, forests, shades
from evals.report.highlight import Quote, pieces
from evals.report.html import render
from evals.report.junit import write_junit
from evals.report.markdown import escaped, write_markdown
from evals.report.words import BROKEN, headline
from evals.stats.catalogue import LIMITED
from service.grading.grade import Evidence
from tests.evals.example import HOSTILE, RTL, example, example_run
from tests.evals.makers import BASE, OTHER, result, row, usage, write_run
from tests.evals.test_compare import answers


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """The example run: the second variant follows the labels better."""
    return analyse(read_run(example_run(tmp_path_factory.mktemp("example"))))


@pytest.fixture(scope="module")
def page(analysis: Analysis) -> str:
    """Its report."""
    return render(analysis)


class _Elements(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def parsed(page: str) -> _Elements:
    """The page as a browser reads it."""
    elements = _Elements()
    elements.feed(page)
    return elements


def test_the_verdict_comes_first_and_in_words(page: str, analysis: Analysis) -> None:
    """The headline is the verdict, and each criterion has one with its reason."""
    first = re.search(r"<h1>(.*?)</h1>", page)

    assert first
    assert html.unescape(first.group(1)) == headline(analysis) == f"{OTHER} grades better than {BASE}."
    assert page.count('<article class="verdict') == 5
    for verdict in analysis.comparisons[0].criteria:
        assert html.escape(verdict.why, quote=False) in page


def test_an_answer_cannot_act(page: str) -> None:
    """One script, ours; no element out of an answer, no handler, nothing loaded from anywhere."""
    elements = parsed(page)

    assert [tag for tag, _ in elements.tags].count("script") == 1
    assert "img" not in {tag for tag, _ in elements.tags}
    assert "b" not in {tag for tag, attributes in elements.tags if "plainly" in str(attributes)}
    assert html.escape(HOSTILE.split(">")[0]) in page
    assert not [name for _, attributes in elements.tags for name in attributes if name.startswith("on")]
    loading = [
        a
        for _, a in elements.tags
        for name, value in a.items()
        if name in ("src", "href") and not str(value).startswith("#")
    ]
    assert loading == []
    assert "script-src 'sha256-" in page


def test_right_to_left_text_and_emoji_are_kept_and_their_direction_is_isolated(page: str) -> None:
    """Letter for letter, in an element of its own direction."""
    said = "".join(parsed(page).said)

    assert RTL in said
    assert '<blockquote class="said" dir="auto">' in page


def test_every_answer_is_there_with_both_grades_and_can_be_filtered(page: str, analysis: Analysis) -> None:
    """One entry a row, with tags and states to filter by; failures are listed too."""
    items = [
        attributes for tag, attributes in parsed(page).tags if tag == "details" and attributes.get("class") == "item"
    ]

    assert len(items) == analysis.summaries[0].items
    assert all(item.keys() >= {"data-tags", "data-states", "data-error", "data-change"} for item in items)
    assert sum(" failed " in str(item["data-states"]) for item in items) >= len(analysis.summaries[1].failed)
    assert "The model timed out." in page


def test_numbers_that_are_missing_give_their_reason(page: str) -> None:
    """A dash alone would be a riddle."""
    assert "no answer was labelled by several raters" in page
    assert "nan" not in page.lower().split('<section id="answers"')[0].replace("unanswered", "")


def test_one_variant_has_absolute_numbers_and_no_verdict(tmp_path: Path) -> None:
    """Nothing to compare with, and that is said."""
    single = analyse(read_run(example_run(tmp_path / "one", {BASE: 0.5})))

    page = render(single)

    assert f"Absolute numbers of {BASE}" in page
    assert '<article class="verdict' not in page
    assert single.code == PASS


def test_five_hundred_answers_make_a_report_of_a_few_megabytes(tmp_path: Path) -> None:
    """Every one of them."""
    many = [*answers(500, 0.5, variant=BASE), *answers(500, 0.4, variant=OTHER, seed=1)]

    page = render(analyse(read_run(write_run(tmp_path / "many", many))))

    assert page.count('<details class="item"') == 500
    assert len(page) < 5_000_000


TEXTS = st.text(max_size=60)


@given(TEXTS, st.lists(st.tuples(st.integers(0, 70), st.integers(1, 70)), max_size=6))
def test_the_pieces_of_an_answer_are_the_answer(answer: str, spans: list[tuple[int, int]]) -> None:
    """Whatever the quotes, overlapping or beyond its end; and each quote marks what it quotes."""
    quotes = [
        Quote("Clarity", BASE, Evidence(quote="", start=a, end=a + b, match="verified", sign="gap", comment=""))
        for a, b in spans
    ]

    cut = pieces(answer, quotes)

    assert "".join(piece.text for piece in cut) == answer
    for quote in quotes:
        marked = "".join(piece.text for piece in cut if quote in piece.quotes)
        if quotes.count(quote) == 1:
            assert marked == answer[quote.evidence.start : quote.evidence.end]


def test_offsets_count_code_points() -> None:
    """An emoji of three code points before the quote moves it by three."""
    answer = "👩‍🔬 tested twice."
    evidence = Evidence(quote="tested", start=4, end=10, match="verified", sign="strength", comment="")

    (marked,) = [piece for piece in pieces(answer, [Quote("Clarity", BASE, evidence)]) if piece.quotes]

    assert (marked.text, marked.sign) == ("tested", "strength")


@given(st.floats(0.001, 1000), st.floats(0.001, 1000))
def test_axes_have_a_few_round_ticks_inside(low: float, high: float) -> None:
    """Two to five, within the ends."""
    axis = Axis(-low, high)

    ticks = axis.ticks()

    assert 1 <= len(ticks) <= 5
    assert all(-low - 1e-6 <= tick <= high + 1e-6 for tick in ticks)
    assert 0 in ticks


def test_the_forest_turns_differences_so_that_right_is_better(analysis: Analysis) -> None:
    """An error that falls is a gain."""
    error, order = forests(analysis.comparisons[0])

    assert error.rows[-1].difference.difference < 0 < error.rows[-1].gain
    assert order.rows[-1].gain == order.rows[-1].difference.difference
    assert error.axis.low == -error.axis.high


def test_confusion_is_shaded_by_share_of_its_row() -> None:
    """An empty row has no shade."""
    assert shades([[1, 3], [0, 0]]) == [[0.25, 0.75], [0.0, 0.0]]


def test_the_summary_has_the_table_the_noise_and_the_failures(analysis: Analysis, tmp_path: Path) -> None:
    """What a pull request shows."""
    text = write_markdown(analysis, tmp_path).read_text(encoding="utf-8")

    assert text.startswith(f"## {OTHER} grades better than {BASE}.")
    assert "| Correctness | ▲ Better |" in text
    assert "was asked again once with level-form" in text
    assert "could not be graded" in text


def test_a_suite_without_ladders_and_pairs_has_errors_alone(tmp_path: Path) -> None:
    """As public sets are: a dash where there is nothing to order, and one panel in the forest plot."""
    plain = [*answers(20, 0.5, variant=BASE), *answers(20, 0.4, variant=OTHER, seed=1)]
    analysis = analyse(read_run(write_run(tmp_path / "r", plain)))

    text = write_markdown(analysis, tmp_path).read_text(encoding="utf-8")

    assert re.search(r"\| Correctness \| .* \(n 20\) \| – \|", text)
    assert render(analysis).count('<figure class="forest"') == 1


@given(st.text())
def test_markdown_takes_escaped_text_literally_and_on_one_line(text: str) -> None:
    """No cell ends early and no tag begins."""
    safe = escaped(text)

    assert "\n" not in safe
    assert not re.search(r"(?<!\\)[|<`*_\[]", safe.replace("\\\\", ""))


def test_junit_counts_what_is_worse_as_a_failure(tmp_path: Path) -> None:
    """One case a verdict and a check; what was not measured is skipped."""
    worse = analyse(read_run(example_run(tmp_path / "worse", {BASE: 0.9, OTHER: 0.0})))

    root = ET.parse(write_junit(worse, tmp_path)).getroot()  # noqa: S314 - our own file

    suite = root[0]
    failures = suite.findall("testcase/failure")
    assert int(suite.attrib["failures"]) == len(failures) > 0
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    assert any("mean error" in failure.attrib["message"] for failure in failures)


def test_a_worse_variant_is_a_regression(tmp_path: Path) -> None:
    """Exit code 1, three files and a table."""
    run = example_run(tmp_path / "worse", {BASE: 0.9, OTHER: 0.0})
    console = Console(record=True, width=100)

    assert conclude(run, console) == REGRESSION
    assert {"report.html", "summary.md", "junit.xml"} <= {path.name for path in run.iterdir()}
    assert "Worse" in console.export_text()


def test_a_blank_above_the_lowest_level_is_a_regression_on_its_own(tmp_path: Path) -> None:
    """With one variant, and an alarm on the page."""
    blank = row("blank", {"clarity": 1}, tags=("gate", "blank"), answer="")
    broken = [*answers(6, 0.0, variant=BASE), result(blank, {"clarity": 4.0}, judge="rule:blank", spent=usage(0))]

    analysis = analyse(read_run(write_run(tmp_path / "r", broken)))

    assert analysis.code == REGRESSION
    assert 'class="alarm"' in render(analysis)


def test_a_variant_without_any_grade_could_not_be_run(tmp_path: Path) -> None:
    """Neither better nor worse: nothing is known."""
    failed = [result(r.row, None, variant=OTHER) for r in answers(6, 0.0, variant=OTHER)]

    analysis = analyse(read_run(write_run(tmp_path / "r", [*answers(6, 0.0, variant=BASE), *failed])))

    assert analysis.code == COULD_NOT_RUN
    assert "without a single grade" in render(analysis)


def test_a_broken_baseline_is_a_regression_but_only_on_the_same_rows(tmp_path: Path) -> None:
    """Accepted when good, run when bad; other rows are another matter."""
    good = read_run(write_run(tmp_path / "good", answers(20, 0.2, variant=BASE)))
    accept(good, "The first numbers there are.", "2026-11-25", tmp_path / "baselines")
    bad = answers(20, 1.8, variant=OTHER)

    same = analyse(read_run(write_run(tmp_path / "bad", bad)), tmp_path / "baselines")
    others = read_run(write_run(tmp_path / "others", bad, suite={"name": "smoke", "sha256": "0" * 64}))

    assert same.code == REGRESSION
    assert "worse than the baseline" in render(same)
    assert analyse(others, tmp_path / "baselines").gated is None


def test_every_number_with_a_limit_has_words_for_when_it_is_broken() -> None:
    """The headline never stops at a name."""
    assert BROKEN.keys() == set(LIMITED)


def test_a_suite_read_from_a_path_shows_no_folders(tmp_path: Path) -> None:
    """Reports are passed on."""
    run = write_run(tmp_path / "r", answers(6, 0.0, variant=BASE), suite={"name": "/home/somebody/sets/mine.jsonl"})

    page = render(analyse(read_run(run)))

    assert "mine.jsonl" in page
    assert "somebody" not in page


def test_the_example_holds_every_kind_of_row() -> None:
    """So that nothing in the report goes untried."""
    kinds = {r.row.kind for r in example()}

    assert kinds == {"ladder", "contrast", "twin", "context", "gate", "anchor", "attack", "benign"}
