"""How fast the charts follow a hand, in Chromium: `python -m tools.timing.pace`.

Needs the extra `test` and Chromium. The page runs in this process, with two invented runs. Prints
how many times a second point and words follow η while it is dragged, and how long after a click on
another metric or run its figure stands: every figure is new to the server, none comes from a cache.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from playwright.sync_api import Page, expect, sync_playwright

from core.bench import save_run
from core.uncertainty import METRICS
from tools.doubles.synthetic import synthetic_run
from tools.support.own_page import own_page

NAMES = ("first", "second")
STEPS = 120  # of η in one drag
# Moves η by one step a frame, and tells when the words below the slider changed.
DRAG = """steps => new Promise(resolve => {
    const slider = document.querySelector('#run-eta input[type=range]'), seen = [];
    const watch = new MutationObserver(() => seen.push(performance.now()));
    watch.observe(document.getElementById('readout-sentence'), {childList: true});
    const from = Number(slider.min) + 0.2 * (slider.max - slider.min);
    const next = step => {
        if (step > steps) { watch.disconnect(); return resolve(seen); }
        slider.value = from + step * Number(slider.step);
        slider.dispatchEvent(new Event('input', {bubbles: true}));
        requestAnimationFrame(() => next(step + 1));
    };
    next(1);
})"""
# Milliseconds from the next press of the mouse until another figure stands.
WATCH = """() => {
    const chart = () => document.querySelector('#tradeoff-plot .js-plotly-plot');
    const key = () => chart()?._fullLayout && chart().layout?.meta?.key;
    window.pace = new Promise(resolve => addEventListener('mousedown', () => {
        const start = performance.now(), old = key();
        const look = () => key() && key() !== old
            ? requestAnimationFrame(() => resolve(performance.now() - start))
            : requestAnimationFrame(look);
        look();
    }, {once: true, capture: true}));
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--samples",
        type=int,
        default=5_000,
        help="samples of each run that is drawn (default: 5000)",
    )
    args = parser.parse_args()
    chromium = shutil.which("chromium") or sys.exit("There is no chromium: install it.")
    with tempfile.TemporaryDirectory() as folder:
        invented(Path(folder), args.samples)
        with own_page(runs=Path(folder)) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            expect.set_options(timeout=60_000)
            measure(browser.new_page(viewport={"width": 1280, "height": 900}), url)
            browser.close()


def measure(page: Page, url: str) -> None:
    page.goto(f"{url}?tab=tradeoff&run={NAMES[0]}")
    expect(page.locator("#readout-sentence")).to_contain_text("asks for")
    seen = page.evaluate(DRAG, STEPS)
    print(f"dragging: {1000 * (len(seen) - 1) / (seen[-1] - seen[0]):.0f} updates a second")
    of_metric = [
        changed(page, "Measure of uncertainty", metric.label)
        for metric in list(METRICS.values())[1:]
    ]
    of_run = []
    for turn, metric in enumerate(METRICS.values()):
        changed(page, "Measure of uncertainty", metric.label)
        of_run.append(changed(page, "Recorded run", NAMES[1 - turn % 2]))
    for what, times in (("metric", of_metric), ("run", of_run)):
        print(
            f"another {what}: median {median(times):.0f} ms, longest {max(times):.0f} ms, "
            f"{len(times)} changes"
        )


def invented(folder: Path, samples: int) -> None:
    """Two run files of different data sets."""
    for seed, name in enumerate(NAMES):
        run = synthetic_run(samples, seed)
        run = replace(run, metadata=replace(run.metadata, dataset=name))
        save_run(run, folder / f"{name}.parquet")


def changed(page: Page, control: str, option: str) -> float:
    """Milliseconds from the choice of an option to the new figure."""
    page.get_by_label(control).last.click()
    page.evaluate(WATCH)
    page.get_by_role("option", name=option).first.click()
    return page.evaluate("window.pace")


if __name__ == "__main__":
    main()
