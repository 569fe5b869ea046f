r"""Draw a stranger's pictures and write the questions: `python -m tools.strangers --out FOLDER`.

    python -m tools.strangers --out FOLDER
    python -m core.bench run --data folder --folder FOLDER/questions.jsonl --out strangers.parquet
    python -m tools.strangers.figures strangers.parquet --questions FOLDER/questions.jsonl \
        --eta 0.06

`--series second` draws another stranger's instead. The same pictures each time, with the same
version of Pillow and the same typefaces.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

from core.support.whole import NotWritten, folder_to_write, write_whole
from tools.strangers.letters import FACES, installed
from tools.strangers.pictures import SERIES, encoded, questions

FOLDER = "pictures"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--out",
        type=folder_to_write,
        required=True,
        help="folder for the pictures and questions.jsonl",
    )
    parser.add_argument(
        "--series",
        choices=SERIES,
        default="first",
        help="whose pictures, of two strangers who worked apart (default: first)",
    )
    args = parser.parse_args(arguments)
    pictures = SERIES[args.series]
    found = installed()
    missing = [name for name in FACES if name not in found]
    print(f"Typefaces: {', '.join(found) or 'none'}.", flush=True)
    if missing:
        print(f"Pillow's own stands in for {', '.join(missing)}.", flush=True)
    path = args.out / "questions.jsonl"
    lines = [json.dumps(line, ensure_ascii=False) for line in questions(pictures, FOLDER)]
    try:
        for picture in pictures:
            write_whole(args.out / FOLDER / picture.name, encoded(picture))
        write_whole(path, "".join(f"{line}\n" for line in lines))
    except NotWritten as error:
        parser.exit(1, f"{error}\n")
    print(f"{len(pictures)} pictures, {len(lines)} questions: {path}")


if __name__ == "__main__":
    main()
