"""The check of documentation links finds what leads nowhere."""

import pytest

from tools import links


@pytest.fixture
def page(tmp_path):
    def write(text: str):
        (tmp_path / "page.md").write_text(text, encoding="utf-8")
        return list(links.broken(tmp_path / "page.md", tmp_path))

    return write


def test_a_link_to_a_file_that_is_not_there_is_found(page):
    assert page("See [the map](map.md).") == ["page.md: map.md does not exist"]


def test_a_missing_picture_is_found(page):
    assert page("![a view](images/view.png)") == ["page.md: images/view.png does not exist"]


def test_an_anchor_without_its_heading_is_found(page):
    assert page("# Here\n\n[there](#there)") == ["page.md: #there names no heading"]


def test_a_link_out_of_the_project_is_found(page, tmp_path):
    assert page("[out](../../etc/passwd)") == ["page.md: ../../etc/passwd does not exist"]


def test_good_links_pass(page):
    assert page("# Two words, `code`!\n\n[a](#two-words-code) [b](page.md) [c](https://example.org/x)") == []


def test_what_stands_in_code_is_not_a_link(page):
    assert page("`[a](b.md)`\n\n```\n[c](d.md)\n```\n") == []


def test_the_second_heading_of_a_name_has_an_anchor_of_its_own(page):
    assert page("# Same\n\n# Same\n\n[first](#same) [second](#same-1)") == []


def test_the_projects_own_documentation_leads_somewhere():
    assert [problem for path in links.documents(links.ROOT) for problem in links.broken(path, links.ROOT)] == []
