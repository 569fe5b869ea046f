/* The moving parts of the charts. η is moved here, in the browser: what the gate does at each η
   came with the figure. */

import {
  countOf, etaOf, heightAt, meaning, nearest, rowOf, sentence, versusRandom,
} from "./operating.js";
import { save } from "./save.js";
import { figureSaid } from "./language.js";
import { went } from "./travel.js";
import { addressOf, fileName } from "./view.js";

const TRADEOFF = 'tradeoff-plot', UNCERTAINTY = 'uncertainty-plot';
const PATIENCE = 10_000; // ms for a figure to appear
const LEAST_HEIGHT = 220; // px of what is inside the axes
const REACH = 10; // px within which a click means the curve of the chosen metric

const drawnIn = id => document.querySelector(`#${id} .js-plotly-plot`);
const escaped = text => Object.assign(document.createElement('i'), {textContent: text}).innerHTML;
const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/* Once the figure called `key` is on the page; null if it doesn't come (its tab was left). */
async function drawn(id, key) {
  for (const start = Date.now(); Date.now() - start < PATIENCE; await pause(15)) {
    const chart = drawnIn(id);
    if (chart?._fullLayout && chart.layout?.meta?.key === key) return chart;
  }
  return null;
}

/* The operating point on every curve, on the line that marks its cost. */
function place(chart, row) {
  const {table, movers, metric, factor} = chart.layout.meta;
  const x = factor * table.cost[row];
  const shapes = [{
    type: 'line', xref: 'x', yref: 'paper', x0: x, x1: x, y0: 0, y1: 1,
    line: {color: '#7F7F7F', width: 1},
  }];
  for (const index of movers) {
    const trace = chart.data[index], chosen = trace.meta === metric;
    if (chart._fullData[index].visible === 'legendonly') continue;
    const y = chosen ? 100 * table.accuracy[row] : heightAt(x, trace), size = chosen ? 9 : 6;
    if (y === null) continue;
    shapes.push({
      type: 'circle', xref: 'x', yref: 'y', xsizemode: 'pixel', ysizemode: 'pixel',
      xanchor: x, yanchor: y, x0: -size, x1: size, y0: -size, y1: size,
      fillcolor: trace.line.color, line: {color: 'white', width: 2},
    });
  }
  return window.Plotly?.relayout(chart, {shapes});
}

/* η through the distribution, with the side on which the gate asks shaded. */
function divide(chart, eta) {
  const {asks_above, range} = chart.layout.meta;
  const shapes = [
    {
      type: 'rect', xref: 'x', yref: 'paper', y0: 0, y1: 1, line: {width: 0}, layer: 'below',
      x0: asks_above ? eta : range[0], x1: asks_above ? range[1] : eta,
      fillcolor: 'rgba(127, 127, 127, 0.22)',
    },
    {
      type: 'line', xref: 'x', yref: 'paper', x0: eta, x1: eta, y0: 0, y1: 1,
      line: {color: '#7F7F7F', width: 3},
    },
  ];
  return window.Plotly?.relayout(chart, {shapes});
}

function say(id, html) {
  const element = document.getElementById(id);
  if (element) element.innerHTML = html; // numbers, and labels of METRICS
}

function count(meta, row) {
  for (const cell of document.querySelectorAll('#confusion [data-kind]')) {
    const {asked, way} = cell.dataset, found = countOf(meta, asked, Number(way), row);
    cell.querySelector('.count').textContent = found.number.toLocaleString('en');
    cell.querySelector('.share').textContent = found.percent;
    cell.style.setProperty('--share', found.share);
    cell.disabled = found.number === 0;
  }
}

/* What follows η: the point on the curves, the line in the distribution, words and counts. */
export function move(eta) {
  const chart = drawnIn(TRADEOFF), meta = chart?.layout?.meta;
  if (!meta?.table) return;
  const row = rowOf(meta.table, eta), distribution = drawnIn(UNCERTAINTY);
  say('readout-sentence', sentence(meta, row));
  say('readout-random', versusRandom(meta, row));
  say('readout-means', escaped(meaning(meta, row)));
  count(meta, row);
  place(chart, row);
  if (distribution?.layout?.meta) divide(distribution, Number(etaOf(meta.table, row)));
  remember({eta: etaOf(meta.table, row)});
}

/* After the server has drawn: wait for the figure, then put everything at η. */
export async function settle(run, metric, tokens, axis, over, eta, plot) {
  const open = document.querySelector('#analyses [role=tab][aria-selected=true]');
  remember({tab: open?.dataset.tabId, run, metric, tokens, axis, over});
  const key = plot?.plot?.match(/"key": "([^"]*)"/)?.[1];
  if (key === undefined) return;
  await Promise.all([drawn(TRADEOFF, key), drawn(UNCERTAINTY, key)]);
  move(eta);
}

/* What a link to this view says. */
const linked = {};

function remember(parameters) {
  Object.assign(linked, parameters);
  const opened = document.querySelector('#tabs [role=tab][aria-selected=true]');
  if (opened?.dataset.tabId === 'benchmarks') went(parameters);
}

export async function copyLink() {
  const address = addressOf(location.href, linked);
  try {
    await navigator.clipboard.writeText(address);
  } catch { // not over plain HTTP from another machine
    const field = Object.assign(document.createElement('textarea'), {value: address.href});
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  const own = String(linked.run).startsWith('upload-')
    ? ' The run is yours alone and not in the link: send its file too.' : '';
  say('link-status', `On your clipboard: <code>${escaped(address.search)}</code>${own}`);
}

/* η, for a chart that has one. */
const etaIn = id => [TRADEOFF, UNCERTAINTY].includes(id) ? linked.eta : undefined;
const fileOf = (id, chart) => fileName(chart?.layout?.meta?.filename ?? id, etaIn(id));

export function saveData(id, text) {
  save(`${fileOf(id, drawnIn(id))}.csv`, 'text/csv', text);
}

/* The picture says what it is of, in lines above the figure. */
export function savePicture(id, format) {
  const chart = drawnIn(id);
  if (!chart || !window.Plotly) return;
  const {clientWidth: width, clientHeight} = chart, {layout, data} = chart;
  const lines = [...(layout.meta?.sources ?? [])].map(escaped);
  if (etaIn(id)) lines.push(`η = ${etaIn(id)}`);
  const space = 15 * lines.length + 8, height = clientHeight + space;
  const figure = {data, layout: {
    ...layout, height, margin: {...layout.margin, t: (layout.margin?.t ?? 12) + space},
    title: {
      text: lines.join('<br>'), font: {size: 11}, x: 0.01, xanchor: 'left',
      yref: 'container', y: 1, yanchor: 'top', pad: {t: 6},
    },
  }};
  const filename = fileOf(id, chart), scale = format === 'png' ? 2 : 1;
  window.Plotly.downloadImage(figure, {format, filename, width, height, scale});
}

/* The figure as the browser draws it, with what it is of: the server makes a PDF of that. */
export async function drawing(id) {
  const chart = drawnIn(id);
  if (!chart || !window.Plotly) return null;
  const { clientWidth: width, clientHeight: height, layout, data } = chart;
  const address = await window.Plotly.toImage({ data, layout }, { format: 'svg', width, height });
  const caption = [...(layout.meta?.sources ?? [])];
  if (etaIn(id)) caption.push(`η = ${etaIn(id)}`);
  const svg = decodeURIComponent(address.slice(address.indexOf(',') + 1));
  return { svg, caption: caption.join('; '), name: fileOf(id, chart) };
}

/* Gradio draws a new figure twice: into the chart that is there, and then, having thrown that away,
   into a fresh one. The first takes as long as the second, so it waits to see if it is needed. */
let plainReact = null;
function drawOnce() {
  if (plainReact || !window.Plotly) return;
  const react = plainReact = window.Plotly.react;
  window.Plotly.react = (chart, ...figure) => {
    if (!chart._fullLayout) return react(chart, ...figure);
    setTimeout(() => chart.isConnected && react(chart, ...figure));
    return Promise.resolve(chart);
  };
}

/* On a telephone swiping is left to the page, and where a narrow screen puts a long legend into
   one column, the curves still get their height. */
function fit(chart) {
  const {height, legend, _size: plot} = chart._fullLayout;
  const missing = legend?.yref === 'container' ? LEAST_HEIGHT - plot.h : 0;
  const changes = {};
  if (matchMedia('(pointer: coarse)').matches) changes.dragmode = false;
  if (missing > 0) changes.height = height + missing;
  if (Object.keys(changes).length) window.Plotly?.relayout(chart, changes);
}

/* The point that a click means: where curves lie on each other, the one of the chosen metric. */
function meant(chart, point) {
  const {xaxis, yaxis} = chart._fullLayout, {metric} = chart.layout.meta ?? {};
  const chosen = chart.data.find(trace => trace.meta && trace.meta === metric);
  if (!chosen || point.data.meta === metric) return point;
  const places = Array.from(chosen.x, (x, index) => [xaxis.d2p(x), yaxis.d2p(chosen.y[index])]);
  const index = nearest(places, [xaxis.d2p(point.x), yaxis.d2p(point.y)], REACH);
  return index === null ? point : {data: chosen, customdata: chosen.customdata[index]};
}

/* The figure, drawn anew where its words are others. */
function inLanguage(chart) {
  const said = figureSaid(chart);
  if (said !== chart) plainReact?.(chart, said.data, said.layout);
}

/* A figure that has just appeared gets a name, fits its screen, and can be clicked. */
function enhance(chart) {
  chart.dataset.enhanced = 'yes';
  drawOnce();
  inLanguage(chart);
  chart.setAttribute('role', 'figure');
  chart.setAttribute('aria-label', chart.layout.meta?.label ?? 'Chart');
  fit(chart);
  chart.on('plotly_click', ({points}) => {
    const {data, customdata} = meant(chart, points[0]);
    if (chart.layout.meta?.table && data.meta) {
      const detail = {metric: data.meta, eta: customdata[0]};
      window.dispatchEvent(new CustomEvent('second-look-pick', {detail}));
    }
  });
}

new MutationObserver(() => {
  for (const chart of document.querySelectorAll('.chart .js-plotly-plot')) {
    if (!chart.dataset.enhanced && chart._fullLayout && chart.on) enhance(chart);
  }
}).observe(document.documentElement, {childList: true, subtree: true});
