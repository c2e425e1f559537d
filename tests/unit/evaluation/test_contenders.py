from productnet.evaluation.trials import contenders
from productnet.local.registry import DEFAULT, LOCAL_MODELS
from productnet.retrieval.active import Active
from productnet.retrieval.registry import SOURCES


def test_every_source_contends_under_a_name_of_its_own() -> None:
    all_of_them = list(contenders(recommendations=True))
    assert {one.source for one in all_of_them} == set(SOURCES)
    assert len({one.name for one in all_of_them}) == len(all_of_them)
    assert all(one.build() for one in all_of_them)


def test_active_contends_with_every_local_model() -> None:
    built = [one.build() for one in contenders(recommendations=False) if one.source == "active"]
    models = [source.model for source in built if isinstance(source, Active)]
    assert models[0] == DEFAULT
    assert sorted(models) == sorted(LOCAL_MODELS)


def test_the_master_contends_only_where_it_recommends() -> None:
    before = {one.name for one in contenders(recommendations=False)}
    assert "master" not in before
    after = {one.name: one for one in contenders(recommendations=True)}
    assert set(after) - before == {"master", "mixed, no master"}
    assert after["mixed"].recommended
    assert not after["mixed, no master"].recommended
