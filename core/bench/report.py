"""Everything the paper shows, from run files: one page that needs nothing but a browser.

Figures are those of `core.bench.plots`, sentences those of `core.bench.analysis.findings`. What the
paper reports stands beside them, in a style of its own and named as such. A section without a
fitting run says which one it would take.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import isnan
from typing import SupportsFloat

import numpy as np

from core.bench import reported
from core.bench.analysis import findings, looking, ranking
from core.bench.analysis.curves import full, high_resolution, initial
from core.bench.analysis.findings import Finding
from core.bench.analysis.intervals import (
    auroc_statistic,
    bootstrap,
    separation_intervals,
    side_by_side,
)
from core.bench.analysis.official import benchmark_figures
from core.bench.analysis.separability import RIGHT_FROM, reliability, separability
from core.bench.plots.base import Figure
from core.bench.plots.measures import distribution_figure, lengths_figure, steps_figure
from core.bench.plots.paper import REPORTED, reported_cost, reported_point
from core.bench.plots.several import quality_figure, runs_figure
from core.bench.plots.tradeoff import curve_of, strategies, tradeoff_figure
from core.bench.runs.errors import RunError
from core.bench.runs.run import Run
from core.bench.runs.series import QUALITY, codec_name, kind, rank
from core.uncertainty import METRICS

# The paper's data sets -> those here that stand for them, its own first.
__all__ = [
    "LOOKING_HEADS",
    "Runs",
    "Section",
    "as_page",
    "looking_row",
    "page",
    "sections",
]

COUNTERPARTS = {
    "TextVQA": ("textvqa", "signs-text"),
    "TextVQA+OCR": ("textvqa+ocr", "signs-text+hints"),
    "POPE": ("pope", "signs-presence"),
}
BASELINES = ("random", "initial", "full")


@dataclass
class Section:
    """A heading, and what stands under it in order: texts, findings, tables and figures."""

    title: str
    blocks: list[str] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)  # element id -> figure

    def text(self, *sentences: str) -> None:
        self.blocks += [f"<p>{escape(sentence)}</p>" for sentence in sentences]

    def find(self, *found: Finding | None) -> None:
        words = {True: "agrees with the paper", False: "differs from the paper", None: "measured"}
        items = "".join(
            f'<li><span class="verdict {str(one.agrees).lower()}">{words[one.agrees]}</span> '
            f"{escape(one.text)}</li>"
            for one in found
            if one is not None
        )
        self.blocks.append(f'<ul class="findings">{items}</ul>')

    def draw(self, figure: Figure, caption: str) -> None:
        name = f"figure-{len(self.figures)}-" + "".join(c for c in self.title if c.isalnum())
        self.figures[name] = figure
        label = escape(figure["layout"]["meta"]["label"])
        height = figure["layout"]["height"]
        self.blocks.append(
            f'<figure><div id="{name}" role="img" aria-label="{label}" '
            f'style="height:{height}px"></div><figcaption>{escape(caption)}</figcaption></figure>'
        )

    def table(self, caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A cell that ends with REPORTED is drawn in the style of what the paper reports."""
        titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
        body = "".join(_row(row) for row in rows)
        self.blocks.append(
            f'<div class="wide"><table><caption>{escape(caption)}</caption>'
            f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"
        )


def _row(cells: Sequence[str]) -> str:
    first, *rest = cells
    style = ' class="reported"' if REPORTED in first else ""
    return f'<tr{style}><th scope="row">{escape(first)}</th>' + "".join(
        f"<td>{escape(cell)}</td>" for cell in rest
    ) + "</tr>"  # fmt: skip


class Runs:
    """Run files by what they can stand for. Raises RunError if no sample was answered in one."""

    def __init__(self, runs: Mapping[str, Run]):
        self.named = {name: run.answered for name, run in runs.items()}
        self._failed = {name: int(run.failed.sum()) for name, run in runs.items()}
        groups: dict[str, dict[int, str]] = {}
        for name, run in runs.items():
            qualities = groups.setdefault(kind(run.metadata, len(run)), {})
            quality = rank(run.metadata)
            if quality in qualities:
                raise RunError(f"{name} and {qualities[quality]} are runs of the same kind.")
            qualities[quality] = name
        self.groups = list(groups.values())  # quality -> name, of runs that are else the same
        # One run of each group, the one whose quality is nearest to QUALITY.
        self.main = {
            name: self.named[name]
            for group in self.groups
            for name in [group[min(group, key=lambda quality: abs(quality - QUALITY))]]
        }
        # Of runs that differ in their cropper only, the paper's stands in its figures.
        self.looked = looking.groups(self.named)
        also = {
            id(run) for group in self.looked for name, run in group.items()
            if name != next(iter(group))
        }  # fmt: skip
        self.main = {name: run for name, run in self.main.items() if id(run) not in also}
        self.model = next(iter(self.main.values())).metadata.model

    def failed(self, name: str) -> int:
        return self._failed[name]

    def counterpart(self, name: str) -> dict[str, Run]:
        """The main runs of the first model that stand for a data set of the paper."""
        wanted = COUNTERPARTS[name]
        return {
            key: run
            for key, run in self.main.items()
            if run.metadata.dataset in wanted and run.metadata.model == self.model
        }

    def others(self) -> dict[str, Run]:
        """Main runs of the first model on data sets that no figure of their own is about."""
        known = {dataset for datasets in COUNTERPARTS.values() for dataset in datasets}
        return {
            key: run
            for key, run in self.main.items()
            if run.metadata.dataset not in known and run.metadata.model == self.model
        }

    def other_models(self) -> dict[str, Run]:
        return {k: run for k, run in self.main.items() if run.metadata.model != self.model}

    def qualities(self, run: Run) -> dict[int, Run]:
        """All qualities of a run, from the lowest on."""
        for group in self.groups:
            if any(self.named[name] is run for name in group.values()):
                return {quality: self.named[group[quality]] for quality in sorted(group)}
        return {}


def sections(runs: Mapping[str, Run]) -> list[Section]:
    """The report of runs by name. Raises RunError for none, or for one without answers."""
    if not runs:
        raise RunError("A report needs at least one run file.")
    given = Runs(runs)
    return [
        _overview(given), _figures_4_and_5(given), _figure_6(given), _figures_7_and_8(given),
        _figure_9(given), _figure_10(given), _figure_12(given), _table_1(given), _croppers(given),
        _more(given),
        _provenance(given),
    ]  # fmt: skip


def _overview(runs: Runs) -> Section:
    section = Section("Runs")
    rows = []
    for name, run in runs.named.items():
        meta, hd = run.metadata, high_resolution(run)
        figures = [benchmark_figures(run, stage) for stage in ("first", "second")]
        extra = " / ".join(f"{f['f1']:.3f}" for f in figures) if "f1" in figures[0] else "–"
        rows.append((
            name, meta.model, f"{meta.dataset}, {meta.split}", codec_name(meta),
            f"{len(run):,}", f"{runs.failed(name):,}", findings.points(initial(run).accuracy),
            findings.points(full(run).accuracy), extra,
            findings.points(hd.accuracy) if hd else "–", _percent(run.box_hit),
            _percent(run.random_hit),
        ))  # fmt: skip
    section.table(
        "Accuracy from the global image, and with everything retransmitted, in percent",
        ("run", "model", "data", "codec", "answered", "failed", "first", "both", "F1, first / both",
         "high resolution", "box holds the object", "a random box would"),
        rows,
    )  # fmt: skip
    section.text(
        f"Whatever is {REPORTED} is marked so, and drawn as dotted black lines and hollow stars: "
        f"{reported.SOURCE}. Its accuracies are of another model on other questions; costs and "
        "shapes can be compared."
    )
    thinned = [
        name
        for name, run in runs.named.items()
        if any(ranking.is_thinned(run.ranked(metric)) for metric in run.metrics)
    ]
    if thinned:
        section.text(
            f"{', '.join(thinned)}: intervals are computed on {ranking.MOST_POINTS:,} points of "
            "each curve, exact ones with straight lines between them, because it has more."
        )
    return section


def _figures_4_and_5(runs: Runs) -> Section:
    section = Section("Communication and computation (Fig. 4 and 5)")
    for paper in ("TextVQA+OCR", "POPE"):
        found = runs.counterpart(paper)
        if not found:
            _missing(section, paper)
        for name, run in found.items():
            shown = ("min_entropy", *BASELINES, "high_resolution")
            figure = tradeoff_figure(run, "min_entropy", None, "additional_cost", shown)
            reported_cost(figure, reported.FIG_4[paper], "HD is beaten from here on")
            reported_cost(figure, reported.HIGH_RESOLUTION_COST, "cost of HD")
            section.draw(figure, f"{name}, for {paper} (Fig. 4): share of local images sent.")
            section.draw(
                tradeoff_figure(run, "min_entropy", None, "additional_bytes", shown),
                f"{name}: the same over measured bytes.",
            )
            section.draw(
                tradeoff_figure(run, "min_entropy", None, "flops", shown),
                f"{name}, for {paper} (Fig. 5): computation by eq. 17-20.",
            )
            section.find(
                findings.gain(run), findings.against_random(run),
                findings.beats_high_resolution(run, paper), findings.computation(run),
            )  # fmt: skip
    return section


def _figure_6(runs: Runs) -> Section:
    section = Section("Choice of the metric (Fig. 6, Table II)")
    found = runs.counterpart("TextVQA")
    if not found:
        _missing(section, "TextVQA")
    for name, run in found.items():
        metrics = tuple(m for m in strategies(run) if m in METRICS)
        figure = tradeoff_figure(
            run, "min_entropy", None, "additional_cost", (*metrics, *BASELINES, "oracle")
        )
        reported_cost(figure, reported.FIG_6_COST, "accuracy of full retransmission")
        section.draw(figure, f"{name}, for TextVQA (Fig. 6).")
        section.find(
            findings.gain(run), findings.against_random(run), findings.cost_of_full(run),
            findings.best_metric(run), findings.separation(run),
        )  # fmt: skip
        rows = _separation_rows(run, {METRICS[metric].label: (metric, None) for metric in metrics})
        rows += [
            (f"{METRICS[metric].label}, {REPORTED}", *(f"{value:.2f}" for value in values))
            for metric, values in reported.TABLE_II.items()
        ]
        section.table(
            f"{name}: overlap (less is better) and Bhattacharyya distance (more is better) of the "
            "distributions of right and wrong answers, with 95 % intervals (Table II)",
            ("metric", "overlap", "D_B"),
            rows,
        )
    return section


def _figures_7_and_8(runs: Runs) -> Section:
    section = Section("Aggregation over tokens (Fig. 7 and 8, Table III)")
    found = runs.counterpart("TextVQA")
    if not found:
        _missing(section, "TextVQA")
    for name, run in found.items():
        section.draw(steps_figure(run, "min_entropy"), f"{name}: each step (Fig. 7a).")
        for part, first in (("b", 1), ("c", None)):
            section.draw(
                distribution_figure(run, "min_entropy", first),
                f"{name}: {'starting token' if first else 'all tokens'} (Fig. 7{part}).",
            )
        section.draw(lengths_figure(run, "min_entropy"), f"{name}: aggregation lengths (Fig. 8).")
        section.find(findings.steps(run), *findings.lengths(run))
        names = {1: "starting token", None: "all tokens"}
        rows = _separation_rows(run, {names[n]: ("min_entropy", n) for n in names})
        rows += [
            (f"{names[n]}, {REPORTED}", *(f"{value:.2f}" for value in values))
            for n, values in reported.TABLE_III.items()
        ]
        section.table(
            f"{name}: min-entropy of right and wrong answers (Table III)",
            ("mean over", "overlap", "D_B"),
            rows,
        )
    return section


def _figure_9(runs: Runs) -> Section:
    section = Section("Other data sets (Fig. 9)")
    found = runs.others()
    if not found:
        section.text("No run on another data set is given; the paper has A-OKVQA, VQAv2 and GQA.")
    _panels(section, found, "Fig. 9")
    return section


def _figure_10(runs: Runs) -> Section:
    section = Section("Other models (Fig. 10)")
    found = runs.other_models()
    if not found:
        section.text(
            f"All runs are of {runs.model}. Runs of another model on TextVQA would stand here; the "
            "paper has InstructBLIP and Qwen2.5-VL."
        )
    _panels(section, found, "Fig. 10")
    return section


def _panels(section: Section, found: Mapping[str, Run], what: str) -> None:
    for name, run in found.items():
        figure = tradeoff_figure(
            run, "min_entropy", None, "additional_cost", ("min_entropy", *BASELINES)
        )
        section.draw(figure, f"{name} ({what}).")
        section.find(findings.gain(run), findings.against_random(run))
    if len(found) > 1:
        section.draw(runs_figure(found, "min_entropy", None, "additional_cost"), "All of them.")


def _figure_12(runs: Runs) -> Section:
    section = Section("Together with compression (Fig. 12)")
    found = {
        name: qualities
        for name, run in runs.counterpart("TextVQA").items()
        if len(qualities := runs.qualities(run)) > 1
    }
    if not found:
        section.text(
            "It takes runs on textvqa or signs-text that differ in nothing but their quality."
        )
    for name, qualities in found.items():
        labels = {codec_name(run.metadata): run for run in qualities.values()}
        figure = quality_figure(labels, "min_entropy", None)
        paper = reported.FIG_12
        for way, cost in (("with the gate", paper["gated"]), ("all retransmitted", paper["full"])):
            reported_point(figure, cost, paper["accuracy"], way)
        section.draw(figure, f"{name} and its other qualities (Fig. 12).")
        section.find(findings.compression(list(qualities.values())))
    return section


def _table_1(runs: Runs) -> Section:
    section = Section("Tokens (Table I)")
    rows = []
    for name, run in runs.counterpart("TextVQA").items():
        for stage in ("first", "second"):
            visual = getattr(run, f"{stage}_visual_tokens").mean()
            total = getattr(run, f"{stage}_prompt_tokens").mean()
            if not isnan(total):
                rows.append((f"{name}, {stage} stage", f"{visual:.0f}", f"{total:.0f}",
                             f"{visual / total:.1%}"))  # fmt: skip
    rows += [
        (f"{stage} stage, {REPORTED}", str(visual), str(total), f"{visual / total:.1%}")
        for stage, (visual, total) in reported.TABLE_I.items()
    ]
    section.table(
        "Visual tokens, and all tokens of the prompt on average",
        ("stage", "visual", "all", "share of visual ones"),
        rows,
    )
    return section


def _more(runs: Runs) -> Section:
    section = Section("Beyond the paper")
    section.text(
        "AUROC and AUPRC are of uncertainty against a wrong first answer, gain AUROC against a "
        "second answer that scores higher; AURC is the area under the risk-coverage curve (less is "
        "better), PRR the prediction rejection ratio, APGR the share of the gap from first to full "
        "accuracy that is closed on average over all budgets. Then the additional costs that close "
        "50, 80, 95 and 100 % of that gap."
    )
    for name, run in runs.main.items():
        rows = []
        aurocs = bootstrap(run, side_by_side([auroc_statistic(run, m) for m in run.metrics]))
        for metric, *of in zip(run.metrics, aurocs.estimate, aurocs.low, aurocs.high, strict=True):
            found, curve = separability(run, metric), curve_of(run, metric, None)
            measures = (found.auprc, found.gain_auroc, found.aurc, found.prr)
            costs = (curve.cost_to_reach(share) for share in (0.5, 0.8, 0.95, 1.0))
            rows.append((METRICS[metric].label, _interval(of[0], of[1], of[2], digits=3),
                         *(_number(m, 3) for m in (*measures, curve.apgr())),
                         *(_number(c) for c in costs)))  # fmt: skip
        section.table(
            f"{name}: expected calibration error of the answers {reliability(run).ece:.3f}",
            ("metric", "AUROC, 95 % interval", "AUPRC", "gain AUROC", "AURC", "PRR", "APGR", "50 %",
             "80 %", "95 %", "100 %"),
            rows,
        )  # fmt: skip
        section.find(findings.budget(run))
    return section


def _provenance(runs: Runs) -> Section:
    section = Section("How the runs were made")
    for name, run in runs.named.items():
        meta = run.metadata
        parameters = f"{meta.parameters:,} parameters" if meta.parameters else "unknown size"
        packages = ", ".join(f"{package} {v}" for package, v in meta.versions.items())
        loaded = ", ".join(f"{name} {v}" for name, v in meta.load.items() if v is not None)
        section.blocks.append(
            f"<h3>{escape(name)}</h3><pre>{escape(meta.command)}</pre>"
            f"<p>{escape(f'{meta.model} ({parameters}, {meta.revision}), {meta.date}, ')}"
            f"{escape(f'{meta.machine}; {packages}; {meta.made_with}')}"
            f"{escape(f'; loaded with {loaded}' if loaded else '')}.</p>"
        )
    section.text(
        "Intervals are of 95 %: of 1,000 bootstrap draws of images, or of 300 for the band around "
        "a curve, whose places each belong to the gate with that η on every cost axis alike. "
        "Overlap and D_B are of 50 bins of equal width between the least and the greatest value of "
        "the run. On bins, a sample's distributions look further apart than those that it was "
        "drawn from, so these intervals reach further towards an overlap of 1 and a D_B of 0. An "
        f"answer counts as right from a score of {RIGHT_FROM} on."
    )
    return section


def _croppers(runs: Runs) -> Section:
    section = Section("Where to look: croppers")
    if not runs.looked:
        section.text(
            "It takes runs that differ in nothing but their cropper, such as `python -m core.bench "
            "croppers` makes; with the controls blank and random they say how much of the second "
            "look's gain is seeing."
        )
    for group in runs.looked:
        some = next(iter(group.values()))
        what = f"{some.metadata.model} on {some.metadata.dataset}, {codec_name(some.metadata)}"
        section.blocks.append(f"<h3>{escape(what)}</h3>")
        _side_by_side(section, what, looking.together(group))
        section.find(*looking.seeing(group), *looking.further(group), *looking.others(group))
    return section


def _side_by_side(section: Section, what: str, group: Mapping[str, Run]) -> None:
    """Draw the curves of runs of the same questions, with a table; nothing of a single one."""
    each = looking.by_rounds(group)
    if len(each) == 1:
        return
    named = {name: run for name, (run, _) in each.items()}
    rounds = {name: count for name, (_, count) in each.items()}
    several = " Several rounds go by the same η." if max(rounds.values()) > 1 else ""
    for cost, over in (("bytes", "bytes"), ("flops", "FLOPs")):
        figure = runs_figure(named, "min_entropy", None, cost, rounds=rounds)
        section.draw(figure, f"{what}: over {over}.{several}")
    section.table(
        f"{what}: {len(next(iter(group.values()))):,} questions, everything retransmitted",
        LOOKING_HEADS,
        [looking_row(looking.looking(run, rounds)) for run, rounds in each.values()],
    )


LOOKING_HEADS = (
    "cropper", "right, %", "gain, points", "a box holds it, %", "side, px (median)",
    "contrast (median)", "no box of its own", "bytes", "GFLOP", "s", "round trips",
)  # fmt: skip


def looking_row(one: looking.Looking) -> tuple[str, ...]:
    """Return the cells of a cropper, as LOOKING_HEADS."""
    return (
        looking.label(one.cropper, one.rounds), findings.points(one.accuracy),
        findings.points(one.gain, True), "–" if isnan(one.hits) else findings.points(one.hits),
        "–" if isnan(one.side) else f"{one.side:.0f}", _number(one.contrast),
        f"{one.fallbacks:,}", f"{one.bytes:,.0f}",
        "not known" if isnan(one.flops) else f"{one.flops / 1e9:.2f}",
        f"{one.seconds:.2f}", f"{one.round_trips:.1f}",
    )  # fmt: skip


def _missing(section: Section, paper: str) -> None:
    datasets = " or ".join(COUNTERPARTS[paper])
    section.text(f"No run stands for {paper}: it would take one on {datasets}.")


def _separation_rows(run: Run, of: Mapping[str, tuple[str, int | None]]) -> list[tuple[str, ...]]:
    """Return overlap and D_B by label; of: label -> metric and first tokens."""
    found = separation_intervals(run, list(of.values()))
    return [
        (label, *(_interval(one.estimate, one.low, one.high) for one in both.values()))
        for label, both in zip(of, found, strict=True)
    ]


def _percent(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    return findings.points(known.mean()) if known.size else "–"


def _number(value: float, digits: int = 2) -> str:
    return "–" if isnan(value) else f"{value:.{digits}f}"


def _interval(
    estimate: SupportsFloat, low: SupportsFloat, high: SupportsFloat, digits: int = 2
) -> str:
    middle, *ends = (_number(float(one), digits) for one in (estimate, low, high))
    if isnan(estimate):
        return middle  # such as how well answers are told apart, where all are right or all wrong
    return f"{middle} [{', '.join(ends)}]"


def page(runs: Mapping[str, Run]) -> str:
    """The report as one self-contained HTML page. Raises RunError as `sections` does."""
    return as_page("report", "what the recorded runs show", sections(runs))


def as_page(title: str, heading: str, parts: Sequence[Section]) -> str:
    """Return sections as one self-contained HTML page."""
    from plotly.offline import get_plotlyjs  # some megabytes of text

    figures = {name: figure for part in parts for name, figure in part.figures.items()}
    # In a script, only "</" could end it early.
    data = json.dumps(figures, allow_nan=False).replace("</", "<\\/")
    body = "\n".join(
        f"<section><h2>{escape(part.title)}</h2>{''.join(part.blocks)}</section>" for part in parts
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Second Look: {escape(title)}</title><style>{STYLE}</style></head>
<body><main><h1>Second Look: {escape(heading)}</h1>
{body}
</main><script>{get_plotlyjs()}</script>
<script>
const figures = {data};
for (const [name, figure] of Object.entries(figures))
    Plotly.newPlot(name, figure.data, figure.layout, {{...figure.config, responsive: true}});
</script></body></html>
"""


STYLE = """
body { margin: 0; background: white; color: #1f2937; line-height: 1.5;
  font: 17px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 68rem; margin: auto; padding: 1rem; }
section { border-top: 1px solid #d1d5db; margin-top: 2rem; }
figure { margin: 1.5rem 0; } figcaption { color: #4b5563; }
.wide { overflow-x: auto; } table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: left; padding-bottom: .4rem; color: #4b5563; }
table { font-size: .9rem; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #e5e7eb; }
th[scope=row], thead th:first-child { text-align: left; font-weight: 600; }
tr.reported { font-style: italic; color: #4b5563; }
.findings { list-style: none; padding: 0; } .findings li { margin: .6rem 0; }
.verdict { display: inline-block; padding: 0 .5rem; border: 1.5px solid; border-radius: .6rem;
  font-size: .85rem; } .verdict.true { color: #00664b; } .verdict.false { color: #a34700; }
.verdict.none { color: #4b5563; }
pre { overflow-x: auto; background: #f3f4f6; padding: .6rem; }
@media print { section { break-inside: avoid-page; } }
"""
