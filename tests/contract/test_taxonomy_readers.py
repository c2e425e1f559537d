"""One suite over every taxonomy format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import TaxonomyError
from productnet.taxonomy.registry import TAXONOMY_READERS

SAMPLES = {
    "google": [
        "# Google_Product_Taxonomy_Version: 2021-09-21",
        "1 - Home",
        "20 - Home > Lamps",
        "3 - Tools",
    ],
    "shopify": [
        "# Shopify Product Taxonomy - Categories: 2025-06",
        "",
        "gid://shopify/TaxonomyCategory/ho    : Home",
        "gid://shopify/TaxonomyCategory/ho-1  : Home > Lamps",
        "gid://shopify/TaxonomyCategory/to    : Tools",
    ],
    "csv": ["ID,Parent,Name,Note", "2,1,Lamps,bright", "1,,Home,", "3,,Tools,"],
    "paths": ["# version: 7", "Home", "Home > Lamps", "Tools"],
}
BAD_LINES = {
    ("google", "Lamps"): 'line 5: expected a line like "499676 - ',
    ("google", "5 - Home > Lamps"): r'line 5: .* repeats "Home > Lamps" \(id 20\) \(line 3\)',
    ("google", "20 - Home > Rugs"): "line 5: .*repeats.*line 3",
    ("google", "5 - Garden > Rugs"): 'line 5: .*orphan: "Garden" is not in',
    ("google", "5 - Home >  > Rugs"): "line 5: .*empty name between separators",
    ("shopify", "gid://shopify/Collection/x : X"): "line 6: expected a line like",
    ("shopify", "gid://shopify/TaxonomyCategory/ho-1 : X"): "line 6: .*repeats.*line 4",
    ("shopify", "gid://shopify/TaxonomyCategory/x : X > Y"): "line 6: .*orphan",
    ("csv", "3,1,Rugs,"): r'line 5: id 3 \("Rugs"\) repeats the id of "Tools" \(line 4\)',
    ("csv", "4,1,lamps,"): 'line 5: "Home > lamps".* repeats.*line 2',
    ("csv", "4,9,Rugs,"): "line 5: .*orphan: its parent 9 is the id of no row",
    ("csv", "4,4,Rugs,"): "line 5: id 4 is its own ancestor: .*cycle 4 -> 4",
    ("csv", "4,,,"): "line 5: column name is empty",
    ("csv", "4,Rugs"): "line 5: has 2 of the header's 4 columns",
    ("csv", '4,,"Rugs,'): "line 5: not a row of CSV",
    ("paths", "home > LAMPS"): "line 5: .*repeats.*line 3",
    ("paths", "Hoem > Rugs"): 'line 5: .*orphan: "Hoem" is not in .* Did you mean "Home"',
    ("paths", "Home | Rugs"): 'line 5: "|" separates names here, but ">" did in line 3',
    ("paths", "Home > > Rugs"): "line 5: .*empty name between separators",
}  # fmt: skip


def test_there_is_a_sample_of_every_format() -> None:
    assert set(SAMPLES) == set(TAXONOMY_READERS)


@pytest.mark.parametrize("format", list(TAXONOMY_READERS))
def test_each_reads_its_own_sample(format: str) -> None:
    tree = TAXONOMY_READERS[format].read(SAMPLES[format], name="shop")
    assert {node.label for node in tree} == {"Home", "Home > Lamps", "Tools"}
    assert {leaf.name for leaf in tree.leaves} == {"Lamps", "Tools"}
    assert tree.name == "shop"


@pytest.mark.parametrize("format", list(TAXONOMY_READERS))
def test_each_is_the_first_to_recognise_its_own_sample(format: str) -> None:
    first = next(
        each for each in TAXONOMY_READERS if TAXONOMY_READERS[each].recognises(SAMPLES[format])
    )
    assert first == format


@pytest.mark.parametrize("format", list(TAXONOMY_READERS))
def test_nothing_but_comments_is_refused(format: str) -> None:
    nothing = SAMPLES[format][:1] if format == "csv" else ["# nothing", ""]
    with pytest.raises(TaxonomyError, match="no categories"):
        TAXONOMY_READERS[format].read(nothing, name="shop")


@pytest.mark.parametrize(
    ("format", "line", "error"), [(*key, text) for key, text in BAD_LINES.items()]
)
def test_a_bad_line_is_refused_with_its_number(format: str, line: str, error: str) -> None:
    with pytest.raises(TaxonomyError, match=error.replace('"|"', r'"\|"')):
        TAXONOMY_READERS[format].read([*SAMPLES[format], line], name="shop")


@pytest.mark.parametrize(
    ("format", "version"), [("google", "2021-09-21"), ("shopify", "2025-06"), ("paths", "7")]
)
def test_the_publishers_version_is_kept(format: str, version: str) -> None:
    assert TAXONOMY_READERS[format].read(SAMPLES[format], name="shop").version == version


def test_publishers_ids_are_kept_and_paths_make_their_own() -> None:
    ids = {
        each: TAXONOMY_READERS[each].read(SAMPLES[each], name="x").find("Lamps").id
        for each in SAMPLES
    }
    assert ids == {"google": "20", "shopify": "ho-1", "csv": "2", "paths": "home/lamps"}


def test_a_table_may_give_paths_and_other_delimiters() -> None:
    lines = ["path;id", '"Home";h', '"Home > Lamps; wall";l']
    tree = TAXONOMY_READERS["csv"].read(lines, name="shop")
    assert tree["l"].path == ("Home", "Lamps; wall")
    with pytest.raises(TaxonomyError, match=r"line 1: .*needs the columns id, path or id, parent"):
        TAXONOMY_READERS["csv"].read(["id,name", "1,Home"], name="shop")


def test_a_longer_cycle_is_shown() -> None:
    lines = ["id,parent,name", "a,c,A", "b,a,B", "c,b,C", "d,,D"]
    with pytest.raises(TaxonomyError, match=r"line 2: .*cycle a -> c -> b -> a"):
        TAXONOMY_READERS["csv"].read(lines, name="shop")


def test_the_line_of_a_row_after_a_cell_of_two_lines_is_right() -> None:
    lines = ["id,parent,name", '1,,"Home', 'again"', "2,9,Lamps"]
    with pytest.raises(TaxonomyError, match="line 4: id 2"):
        TAXONOMY_READERS["csv"].read(lines, name="shop")


@pytest.mark.parametrize("mark", [" > ", " >> ", " | ", ">", "|"])
def test_a_list_of_leaves_alone_grows_its_inner_categories(mark: str) -> None:
    lines = [mark.join(path) for path in [("Home", "Lamps", "Desk"), ("Home", "Rugs"), ("Tools",)]]
    tree = TAXONOMY_READERS["paths"].read(lines, name="shop")
    assert [node.label for node in tree] == [
        "Home", "Home > Lamps", "Home > Lamps > Desk", "Home > Rugs", "Tools",
    ]  # fmt: skip


@pytest.mark.parametrize("format", list(TAXONOMY_READERS))
@given(lines=st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_any_text_is_read_or_refused_in_words(format: str, lines: list[str]) -> None:
    reader = TAXONOMY_READERS[format]
    reader.recognises(lines)
    try:
        tree = reader.read(SAMPLES[format] + lines, name="shop")
    except TaxonomyError:
        return
    assert all(tree.find(node.label) is node for node in tree)
