"""docs/functions says what the docstrings and the case tables say."""

import pytest

from tests import reference, report

PAGES = reference.pages()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_up_to_date(name):
    path = reference.FOLDER / name
    assert path.exists(), f"{path} is missing: write it with `python -m tests.reference`"
    assert path.read_text(encoding="utf-8") == PAGES[name], f"{path} is old: write it with `python -m tests.reference`"


def test_no_page_is_left_over():
    assert {path.name for path in reference.FOLDER.iterdir()} == set(PAGES)


def test_every_public_function_has_an_entry_with_an_example():
    for names in reference.grouped(reference.functions()).values():
        function = reference.functions()[names[0]]
        text = PAGES[f"{reference.page_of(function)}.md"]
        _, heading, entry = text.partition(f"\n## {names[0]}\n")
        assert heading, f"{names[0]} has no entry"
        assert ">>> " in entry.partition("\n## ")[0], f"{names[0]} has no example"
        assert all(f"[{name}](" in PAGES["index.md"] for name in names)


def test_every_function_has_enough_checks():
    counts = report.count()
    assert sum(checks for _, checks, _ in counts.values()) >= 20_000
    assert sum(refusals for _, _, refusals in counts.values()) >= 2_000
