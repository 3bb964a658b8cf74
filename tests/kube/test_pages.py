"""Pages are as large as objects allow."""

import pytest

from batchprocess.kube.pages import MAX_ANSWER, MAX_PAGE, PAGE, Pages


def test_the_first_page_has_the_collection_and_the_selector() -> None:
    assert Pages("/x").request.query == {"limit": str(PAGE)}
    first = Pages("/x", "a=b").request
    assert (str(first), first.query) == ("GET /x", {"limit": str(PAGE), "labelSelector": "a=b"})


def test_the_next_page_begins_where_the_last_one_ended() -> None:
    pages = Pages("/x", "a=b")
    pages.took({"metadata": {"continue": "T"}}, 100)
    assert pages.more
    assert pages.request.query == {"limit": "500", "labelSelector": "a=b", "continue": "T"}


@pytest.mark.parametrize("page", [{}, {"metadata": None}, {"metadata": {"continue": ""}}])
def test_a_page_that_names_no_other_is_the_last(page: dict[str, object]) -> None:
    pages = Pages("/x")
    pages.took(page, 100)
    assert not pages.more


@pytest.mark.hostile
def test_pages_shrink_to_one_object_which_may_be_larger() -> None:
    pages, sizes = Pages("/x"), []
    while not pages.alone:
        assert pages.most == MAX_PAGE
        pages.shrink()
        sizes.append(int(pages.request.query["limit"]))
    assert sizes == [250, 125, 62, 31, 15, 7, 3, 1]
    assert pages.most == MAX_ANSWER
    pages.shrink()
    assert pages.request.query["limit"] == "1"


def test_pages_grow_again_behind_large_objects() -> None:
    pages = Pages("/x")
    for _ in range(3):
        pages.shrink()
    more = {"metadata": {"continue": "T"}}
    pages.took(more, MAX_PAGE // 4)
    assert pages.request.query["limit"] == "62"
    pages.took(more, MAX_PAGE // 4 - 1)
    assert pages.request.query["limit"] == "124"
    for _ in range(9):
        pages.took(more, 0)
    assert pages.request.query["limit"] == str(PAGE)
