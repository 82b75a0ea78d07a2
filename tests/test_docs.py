"""Every Python block of the docs runs, in the order of its page, in an empty folder."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.joinpath("docs").rglob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for number, block in enumerate(BLOCK.findall(page.read_text())):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)


def test_pages_of_recipes_are_short():
    long = {p.name: n for p in PAGES if p.parent.name == "add" and (n := lines(p)) > 40}
    assert long == {}


def test_the_readme_is_short():
    assert lines(ROOT / "README.md") < 150


def test_links_lead_somewhere():
    for page in [*PAGES, ROOT / "README.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert page.parent.joinpath(target).exists(), f"{page.name} links to {target}"


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
