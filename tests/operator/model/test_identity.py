"""The identity of a job and its run."""

from support.operator.objects import UID, job


class TestIdentity:
    def test_ids_of_jobs_compare_by_age(self) -> None:
        assert job().identity.job_id == f"20300101T115820Z-{UID}"

    def test_the_run_is_the_objects_unless_it_is_pinned(self) -> None:
        assert job().identity.run_id == UID
        assert job(runId="again").identity.run_id == "again"

    def test_a_slash_at_the_end_of_the_address_changes_nothing(self) -> None:
        with_slash = job(output={"uri": "s3://bucket/out/"})
        assert with_slash.identity.run_uri == job().identity.run_uri
