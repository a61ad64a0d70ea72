"""The documents say what is there: every variable, command, metric and state, and no dead link."""

import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from service import metrics
from service.cli import main
from service.domain.catalogue import load_catalogue, load_styles
from service.domain.generation import DeliveryKind, DeliveryState, GenerationState, TaskStage
from service.settings import variables
from service.store.outbox import MessageState

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
STATES = (ROOT / "docs" / "states.md").read_text(encoding="utf-8")
README_LINES_MAX = 120
USED_AND_MADE = 2
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \| (.*?) \|", re.MULTILINE)
#: Where a variable is not set, the page may say in words what counts then.
WORDS = ("required", "none", "`DATABASE_URL`'s", "`console` on a terminal, else `json`")
LINK = re.compile(r"(?<!!)\[[^\]^]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PAGES = [
    path
    for folder in ("docs", "migrations", "deploy", "tests", "service")
    for path in (ROOT / folder).rglob("*.md")
] + list(ROOT.glob("*.md"))


def exposed_names():
    """Give each metric as Prometheus sees it, with its labels."""
    for metric in set(metrics.REGISTRY._names_to_collectors.values()):
        if isinstance(metric, MetricWrapperBase):
            name = f"{metric._name}_total" if metric._type == "counter" else metric._name
            labels = ",".join(metric._labelnames)
            yield f"{name}{{{labels}}}" if labels else name


def anchors(page):
    """Give the places inside a page that a link can lead to."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


def test_the_page_of_variables_lists_exactly_what_is_read():
    # Given the variables on the page, with the cell of their default
    documented = dict(ROW.findall(CONFIGURATION))

    # Then they are those of the settings, in the same order
    assert list(documented) == [name for name, _, _ in variables()]


@pytest.mark.parametrize(("name", "default"), [(n, d) for n, d, _ in variables()])
def test_the_page_of_variables_says_each_default(name, default):
    # Given the cell of a variable's default
    cell = dict(ROW.findall(CONFIGURATION))[name]

    # Then it says the default, or in words what counts without one
    assert cell == f"`{default}`" if default else cell.startswith(WORDS)


def test_every_variable_has_a_meaning_for_the_command_line_too():
    # Then each declares its own in one sentence
    assert [name for name, _, meaning in variables() if not meaning.endswith(".")] == []


def test_the_page_lists_every_metric_with_its_labels():
    # Given the metrics as they are served
    served = set(exposed_names())
    assert len(served) > 15, "the list of metrics is not what it should be"

    # Then the page names these and no other
    assert set(re.findall(r"^\| `(kartina_[^`]+)` \|", CONFIGURATION, re.MULTILINE)) == served


def test_every_metric_is_counted_by_somebody():
    # Given the names under which the product's modules know the metrics
    text = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("service", "actors")
        for path in (ROOT / folder).rglob("*.py")
    )
    names = [name for name, found in vars(metrics).items() if isinstance(found, MetricWrapperBase)]

    # Then each is used besides being made; nothing is sold for Stars yet
    idle = [name for name in names if len(re.findall(rf"\b{name}\b", text)) < USED_AND_MADE]
    assert set(idle) <= {"TOPUPS"}


def test_the_page_lists_every_command():
    # Then each command of the command line has its row
    rows = set(re.findall(r"^\| `kartina ([\w-]+)` \|", CONFIGURATION, re.MULTILINE))
    assert rows == set(main.commands)


@pytest.mark.parametrize(
    "state", [*GenerationState, *TaskStage, *DeliveryState, *DeliveryKind, *MessageState]
)
def test_the_page_of_states_names_each(state):
    # Then it stands there as the code spells it
    assert f"`{state}`" in STATES


def test_the_readme_is_short():
    # Then it can be read in one go
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 20 < len(readme.splitlines()) < README_LINES_MAX


def test_the_readme_counts_right():
    # Given what is on sale
    models = sum(model.on_sale for model in load_catalogue().by_id.values())

    # Then the readme promises no more and no less
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"{models} models, {len(load_styles())} styles" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    # Given the links of a page that stay in the repository
    links = LINK.findall(page.read_text(encoding="utf-8"))
    inner = [link.partition("#") for link in links if "://" not in link]

    # Then each leads to a file that is there, and to a heading of it
    for target, _, anchor in inner:
        found = (page.parent / target).resolve() if target else page
        assert found.exists(), f"{target} is not there"
        assert not anchor or anchor in anchors(found), f"{target} has no heading {anchor}"


def statements(page):
    """Give the SQL of a page, statement by statement; what the owner types is left out."""
    blocks = FENCE.findall(page.read_text(encoding="utf-8"))
    ours = (block for block in blocks if not block.startswith("-- owner"))
    return [part.strip() for block in ours for part in block.split(";") if part.strip()]


@pytest.mark.parametrize("statement", statements(ROOT / "docs" / "operations.md"))
async def test_what_operators_are_told_to_type_works(app, statement):
    # When the program's login asks for the plan of a statement, with the rights it needs
    plan = await app.fetch(f"EXPLAIN {statement}")

    # Then the database would do it
    assert plan
