/* The moving parts of the charts. η is moved here, in the browser: what the gate does at each η came
   with the figure, in its layout's meta, and is only looked up. Computed here is nothing but where
   things lie: the place of an η in that table, and how high a drawn line is. */

window.runCharts = (() => {
  const TRADEOFF = 'tradeoff-plot', UNCERTAINTY = 'uncertainty-plot';
  const PATIENCE = 10_000; // ms for a figure to appear
  const LEAST_HEIGHT = 220; // px of what is inside the axes
  const REACH = 10; // px within which a click means the curve of the chosen metric

  const drawnIn = id => document.querySelector(`#${id} .js-plotly-plot`);
  const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
  const short = value => Number(value.toPrecision(3)).toLocaleString('en', {maximumFractionDigits: 6});
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

  /* Where the line of a curve is at x, as it is drawn; null where it doesn't reach. */
  function heightAt(x, trace) {
    const xs = trace.x, ys = trace.y, last = xs.length - 1;
    if (x < xs[0]) return null;
    if (x >= xs[last]) return ys[last];
    let low = 0, high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= x) low = middle; else high = middle;
    }
    const share = xs[high] > xs[low] ? (x - xs[low]) / (xs[high] - xs[low]) : 0;
    return ys[low] + share * (ys[high] - ys[low]);
  }

  function rowOf(table, eta) {
    const row = Math.round((Number(eta) - table.minimum) / table.step);
    return Math.min(Math.max(row, 0), table.count - 1);
  }

  function etaOf(table, row) {
    return (table.minimum + row * table.step).toFixed(table.digits);
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

  function sentence(meta, row) {
    const {table, unit, cost, cost_unit, factor, phrase} = meta;
    const low = table.low?.[row] ?? null, high = table.high?.[row] ?? null;
    const interval = low === null || high === null ? ''
      : ` (95 % interval ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
    const parts = [
      `asks for <strong>${percent(table.asked[row], 0)}</strong> of the crops`,
      `<strong>${percent(table.accuracy[row])}</strong> right${interval}`,
      `<strong>${table.additional_bytes[row].toFixed(2)}</strong> additional cost`,
      `<strong>${(table.bytes[row] / 1000).toFixed(1)} kB</strong> a question`,
    ];
    if (cost === 'flops' || cost === 'seconds') {
      parts.push(`<strong>${short(factor * table.cost[row])} ${cost_unit}</strong> a question`);
    }
    return `At η = ${etaOf(table, row)}${unit ? ' ' + unit : ''} of ${phrase} `
      + `the gate ${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}.`;
  }

  function versusRandom({table}, row) {
    const accuracy = table.random[row];
    if (accuracy === null) return '';
    return `At random, the same cost would get ${percent(accuracy)} right.`;
  }

  function say(id, html) {
    const element = document.getElementById(id);
    if (element) element.innerHTML = html; // numbers, and labels of METRICS
  }

  function count(meta, row) {
    const {asked_kinds, not_asked_kinds} = meta.table;
    for (const cell of document.querySelectorAll('#confusion [data-kind]')) {
      const kinds = cell.dataset.asked ? asked_kinds : not_asked_kinds;
      const number = kinds[Number(cell.dataset.way)][row];
      cell.querySelector('.count').textContent = number.toLocaleString('en');
      cell.querySelector('.share').textContent = percent(number / meta.samples);
      cell.style.setProperty('--share', number / meta.samples);
      cell.disabled = number === 0;
    }
  }

  /* What follows η: the point on the curves, the line in the distribution, words and counts. */
  function move(eta) {
    const chart = drawnIn(TRADEOFF), meta = chart?.layout?.meta;
    if (!meta?.table) return;
    const row = rowOf(meta.table, eta), distribution = drawnIn(UNCERTAINTY);
    say('readout-sentence', sentence(meta, row));
    say('readout-random', versusRandom(meta, row));
    count(meta, row);
    place(chart, row);
    if (distribution?.layout?.meta) divide(distribution, Number(etaOf(meta.table, row)));
    remember({eta: etaOf(meta.table, row)});
  }

  /* After the server has drawn: wait for the figure, then put everything at η. */
  async function settle(run, metric, tokens, axis, over, eta, plot) {
    const open = document.querySelector('#analyses [role=tab][aria-selected=true]');
    remember({tab: open?.dataset.tabId, run, metric, tokens, axis, over});
    const key = plot?.plot?.match(/"key": "([^"]*)"/)?.[1];
    if (key === undefined) return;
    await Promise.all([drawn(TRADEOFF, key), drawn(UNCERTAINTY, key)]);
    move(eta);
  }

  /* What a link to this view says. The address itself stays as it is: Plotly's clip paths and
     patterns refer to it, and would be lost when it changes. */
  const link = {};

  function remember(parameters) {
    Object.assign(link, parameters);
  }

  async function copyLink() {
    const address = new URL(location.pathname, location.href);
    for (const [name, value] of Object.entries(link)) {
      if (value ?? '') address.searchParams.set(name, value);
    }
    try {
      await navigator.clipboard.writeText(address);
    } catch { // not over plain HTTP from another machine
      const field = Object.assign(document.createElement('textarea'), {value: address.href});
      document.body.append(field);
      field.select();
      document.execCommand('copy');
      field.remove();
    }
    const own = String(link.run).startsWith('upload-')
      ? ' The run is yours alone and not in the link: send its file too.' : '';
    say('link-status', `On your clipboard: <code>${escaped(address.search)}</code>${own}`);
  }

  function save(name, type, content) {
    const anchor = document.createElement('a');
    anchor.href = URL.createObjectURL(new Blob([content], {type}));
    anchor.download = name;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
  }

  /* What a file of a chart is called, with η where the chart has one. */
  function fileName(id, chart) {
    const name = chart?.layout?.meta?.filename ?? id;
    return link.eta && [TRADEOFF, UNCERTAINTY].includes(id) ? `${name}-eta-${link.eta}` : name;
  }

  function saveData(id, text) {
    save(`${fileName(id, drawnIn(id))}.csv`, 'text/csv', text);
  }

  /* The picture says what it is of, in lines above the figure. */
  function savePicture(id, format) {
    const chart = drawnIn(id);
    if (!chart || !window.Plotly) return;
    const {clientWidth: width, clientHeight} = chart, {layout, data} = chart;
    const lines = [...(layout.meta?.sources ?? [])].map(escaped);
    if (link.eta && [TRADEOFF, UNCERTAINTY].includes(id)) lines.push(`η = ${link.eta}`);
    const space = 15 * lines.length + 8, height = clientHeight + space;
    const figure = {data, layout: {
      ...layout, height, margin: {...layout.margin, t: (layout.margin?.t ?? 12) + space},
      title: {
        text: lines.join('<br>'), font: {size: 11}, x: 0.01, xanchor: 'left',
        yref: 'container', y: 1, yanchor: 'top', pad: {t: 6},
      },
    }};
    const filename = fileName(id, chart), scale = format === 'png' ? 2 : 1;
    window.Plotly.downloadImage(figure, {format, filename, width, height, scale});
  }

  /* Gradio draws a new figure twice: into the chart that is there, and then, having thrown that away,
     into a fresh one. The first takes as long as the second, so it waits to see if it is needed. */
  let thrifty = false;
  function drawOnce() {
    if (thrifty || !window.Plotly) return;
    thrifty = true;
    const react = window.Plotly.react;
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
    const left = xaxis.d2p(point.x), top = yaxis.d2p(point.y);
    let nearest = null, least = REACH;
    for (let index = 0; index < chosen.x.length; index++) {
      const away = Math.hypot(xaxis.d2p(chosen.x[index]) - left, yaxis.d2p(chosen.y[index]) - top);
      if (away < least) [nearest, least] = [index, away];
    }
    return nearest === null ? point : {data: chosen, customdata: chosen.customdata[nearest]};
  }

  /* A figure that has just appeared gets a name, fits its screen, and can be clicked. */
  function enhance(chart) {
    chart.dataset.enhanced = 'yes';
    drawOnce();
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

  return {move, settle, copyLink, saveData, savePicture, remember};
})();
