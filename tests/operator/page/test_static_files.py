"""Files that browsers keep."""

import gzip

from batchprocess_operator.page.static_files import StaticFiles


def test_each_file_has_an_address_that_changes_with_it_and_is_kept():
    files = StaticFiles()
    for name, address in files.addresses.items():
        found = files.answer(address, "")
        assert found is not None
        assert found.kept
        assert address.endswith(name)
    assert len(set(files.addresses.values())) == len(files.addresses)


def test_a_file_is_packed_for_whoever_takes_it():
    files = StaticFiles()
    address = files.addresses["vendor/htmx.min.js"]
    plain, small = files.answer(address, "br"), files.answer(address, "gzip, br")
    assert plain is not None
    assert small is not None
    assert gzip.decompress(small.body) == plain.body


def test_there_is_nothing_else():
    files = StaticFiles()
    for path in ("/static/page.css", "/static/../page.css", "/static/vendor/packages.json", ""):
        assert files.answer(path, "") is None
