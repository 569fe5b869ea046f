import pytest

from core.bench.runs.files import load_run
from core.bench.runs.files.footer import DIGEST_KEY, KEY
from tests.support.run_files import changed, equal, refused, rewrite

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t: t.drop_columns(["box_left"]), "lacks a column or has one too many: box_left"),
        (lambda t: t.append_column("more", t["id"]), "one too many: more"),
        (lambda t: t.append_column("id", t["id"]), "one that is there twice"),
        (changed("id", lambda c: c.cast("binary")), "Column id .* must be"),
        (changed("first_score", lambda c: c.cast("float32")), "first_score .* must be double"),
        (changed("local_bytes", lambda c: c.cast("int32")), "local_bytes .* must be int64"),
        (changed("tokens_min_entropy", lambda c: c.cast(pa.list_(pa.float32()))), "tokens_min_ent"),
    ],
)  # fmt: skip
def test_columns_that_are_not_those_of_a_run(saved, change, match):
    _, path = saved
    rewrite(path, change)
    refused(path, match)


@pytest.mark.parametrize("text", ["large_string", "string_view", "dictionary"])
def test_columns_may_be_as_other_writers_lay_them_out_in_memory(saved, text):
    """pandas and polars write large types; the file says so, and pyarrow brings them back."""
    run, path = saved

    def other(table):
        for index, column in enumerate(table.columns):
            if pa.types.is_string(column.type):
                column = column.dictionary_encode() if text == "dictionary" else column.cast(text)
            elif pa.types.is_list(column.type):
                column = column.cast(pa.large_list(pa.float64()))
            table = table.set_column(index, table.schema.names[index], column)
        return table

    rewrite(path, other, store_schema=True)
    kinds = {str(kind) for kind in pq.ParquetFile(path).schema_arrow.types}
    assert "string" not in kinds and "large_list<element: double>" in kinds
    assert equal(load_run(path), run)


def test_a_run_that_pandas_wrote_again_is_still_a_run(saved):
    run, path = saved
    entries = pq.ParquetFile(path).metadata.metadata
    table = pa.Table.from_pandas(pq.read_table(path).to_pandas(), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(entries), path)
    assert equal(load_run(path), run)


def test_a_pickle_in_the_file_is_never_opened(saved, tmp_path):
    """Arrow can carry a Python type as a pickle in its own schema: it must stay text."""
    _, path = saved
    trap = b"cos\nsystem\n(S'touch " + str(tmp_path / "sprung").encode() + b"'\ntR."
    field = pa.field("more", pa.string(), metadata={
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": trap,
    })  # fmt: skip
    table = pq.ParquetFile(path).read()
    table = table.append_column(field, pa.array(["a"] * len(table)))
    entries = pq.ParquetFile(path).metadata.metadata
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({KEY: entries[KEY], DIGEST_KEY: entries[DIGEST_KEY]})
    refused(path, "one too many: more")
    assert not (tmp_path / "sprung").exists()
