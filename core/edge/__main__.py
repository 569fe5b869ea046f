"""`python -m core.edge`: ask a server about images that stay on this device."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from core.support.commands import INTERRUPTED, called, stop_in_a_sentence

if __name__ == "__main__":
    stop_in_a_sentence()

from core.edge import batch
from core.edge.client import MAX_LOOKS, Client, EdgeError
from core.imaging import Codec, ImageError, available_formats, our_limit_alone
from core.messages import ProtocolError
from core.support.headers import TOKEN


def main() -> int:
    our_limit_alone()
    parser = _parser()
    args = parser.parse_args()
    try:
        codec = Codec(args.format, args.quality)
        local = Codec(args.format, args.local_quality) if args.local_quality else None
    except ValueError as error:
        parser.error(str(error))
    folder = args.image is not None and args.image.is_dir()
    if (args.csv is None) == (args.image is None):
        parser.error("Give either --image, a file or a folder, or --csv.")
    if (args.question is None) == (args.image is not None):
        parser.error("--image needs a --question, and --csv brings its own.")
    if (folder or args.csv is not None) != (args.output is not None):
        parser.error("--output belongs to a batch: to --csv, or to --image with a folder.")

    def log(line: str) -> None:
        if args.verbose:
            print(line, file=sys.stderr)

    try:
        with Client(
            args.server,
            os.environ.get(TOKEN),
            codec,
            local,
            args.timeout,
            args.patience,
            log,
            looks=args.looks,
        ) as client:
            if args.output is None:
                return _one(client, args)
            rows = (
                batch.read_csv(args.csv)
                if args.csv
                else batch.read_folder(args.image, args.question)
            )
            return _many(client, rows, args)
    except (EdgeError, ImageError, ProtocolError, batch.BatchError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _one(client: Client, args: argparse.Namespace) -> int:
    result = client.ask(args.image, args.question, args.force)
    if args.json:
        print(json.dumps(batch.as_json(result), ensure_ascii=False))
        return 0
    print(result.answer)
    if args.verbose:
        heads = sum(e.head_sent + e.head_received for e in result.exchanges)
        print(
            f"  {result.bytes_up:,} B up, {result.bytes_down:,} B down, HTTP heads {heads:,} B, "
            f"{result.seconds:.3f} s; original {os.path.getsize(args.image):,} B",
            file=sys.stderr,
        )
    return 0


def _many(client: Client, rows: list[batch.Row], args: argparse.Namespace) -> int:
    def progress(row: batch.Row, record: dict[str, Any]) -> None:
        what = record.get("answer", f"error: {record.get('error')}")
        print(f"{row.id}: {what}", file=sys.stderr)

    try:
        batch.run(client, rows, args.output, progress, args.force)
    except EdgeError as error:
        print(error, file=sys.stderr)
    tally = batch.tally(rows, args.output)
    print(f"{len(rows)} questions in {args.output}: {tally}.", file=sys.stderr)
    return 0 if tally.complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=called("core.edge"),
        description=__doc__.split(": ", 1)[1],
        epilog=f"A token that the server wants is read from the environment: {TOKEN}.",
    )
    add = parser.add_argument
    add("--server", required=True, help="URL of the server, e.g. http://192.168.0.2:7870")
    add("--image", type=Path, help="photo to ask about, or a folder of them")
    add("--question", help="question about the photo, or about each one in the folder")
    add("--csv", type=Path, help="batch to ask: a table with the columns image, question (and id)")
    add(
        "--output",
        type=Path,
        help="file for the answers of a batch, as JSON lines; one that exists is continued",
    )
    add("--force", action="store_true", help="take the second look even if the server is sure")
    default = Codec()
    add(
        "--format",
        default=default.format,
        choices=available_formats(),
        help="image format to send (default: %(default)s)",
    )
    add(
        "--quality",
        type=int,
        default=default.quality,
        help="quality of the images sent, 1 to 100 (default: %(default)s)",
    )
    add(
        "--local-quality",
        type=int,
        help="quality of the local image, if it is to differ from --quality",
    )
    add(
        "--timeout",
        type=float,
        default=30.0,
        help="seconds to wait for the answer to one message (default: 30)",
    )
    add(
        "--patience",
        type=float,
        default=300.0,
        help="seconds to go on trying while the server is busy or away (default: 300)",
    )
    add(
        "--looks",
        type=int,
        default=MAX_LOOKS,
        help="local images that may leave this device for one question (default: %(default)s); "
        "a server that searches takes more",
    )
    add("--json", action="store_true", help="print all there is to know about the answer")
    add("--verbose", action="store_true", help="print bytes and seconds of every message")
    return parser


if __name__ == "__main__":
    sys.exit(main())
