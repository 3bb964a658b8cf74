"""What the page takes of the operator's memory."""

from batchprocess_operator.page.memory import Memory, jobs_in
from support.operator.page_jobs import add_busy
from support.operator.page_world import PageWorld


def memory(world: PageWorld) -> Memory:
    return Memory(world.cache, world.tracker, world.history, lambda: world.now)


def test_a_job_of_which_only_pods_are_known_is_none():
    world = PageWorld()
    world.add("digits")
    world.cache._entry("only-pods")
    assert [job.name for job in jobs_in(world.cache)] == ["digits"]


def test_of_two_of_one_name_the_newer_is_found():
    world = PageWorld()
    world.add("digits", uid="old")
    world.add("digits", uid="new")
    for uid, version in (("old", 5), ("new", 9)):
        job = world.cache.entries[uid].job
        assert job is not None
        world.cache.entries[uid].job = type(job)(
            **{name: getattr(job, name) for name in job.__slots__} | {"version": version}
        )
    found = memory(world).find("team", "digits")
    assert found is not None
    assert found is world.cache.entries["new"]
    assert memory(world).find("team", "other") is None
    assert memory(world).find("vision", "digits") is None


def test_a_snapshot_stays_as_it_was():
    world = PageWorld()
    uid = add_busy(world, "digits", 40)
    world.history.sample()
    entry = world.cache.entries[uid]
    seen = memory(world).snapshot(entry, None, pods=True)
    assert seen is not None
    before = (len(seen.observed.pods), len(seen.newest), len(seen.samples.times))
    entry.pods.clear()
    world.tracker.forget(uid)
    world.passes(10)
    world.history.sample()
    assert (len(seen.observed.pods), len(seen.newest), len(seen.samples.times)) == before
    assert before == (9, 9, 1)
