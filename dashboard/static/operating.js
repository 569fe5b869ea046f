/* What the gate does at an η: looked up in the table that came with the figure, in its layout's
   meta, and put into words. Computed here is nothing but where things lie: the place of an η in
   that table, how high a drawn line is, and which point is near. */

const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
const short = (value) =>
  Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });

/* Where the line of a curve is at x, as it is drawn; null where it doesn't reach. */
export function heightAt(x, { x: xs, y: ys }) {
  const last = xs.length - 1;
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

/* The row of the table that is next to η. */
export function rowOf(table, eta) {
  const row = Math.round((Number(eta) - table.minimum) / table.step);
  return Math.min(Math.max(row, 0), table.count - 1);
}

/* The η of a row, as text. */
export function etaOf(table, row) {
  return (table.minimum + row * table.step).toFixed(table.digits);
}

/* What the gate does there, as HTML: numbers, and labels of METRICS. */
export function sentence(meta, row) {
  const { table, unit, cost, cost_unit, factor, phrase } = meta;
  const low = table.low?.[row] ?? null, high = table.high?.[row] ?? null;
  const interval = low === null || high === null ? ""
    : ` (95 % interval ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)})`;
  const parts = [
    `asks for <strong>${percent(table.asked[row], 0)}</strong> of the local images`,
    `<strong>${percent(table.accuracy[row])}</strong> right${interval}`,
    `<strong>${table.additional_bytes[row].toFixed(2)}</strong> additional cost`,
    `<strong>${(table.bytes[row] / 1000).toFixed(1)} kB</strong> a question`,
  ];
  if (cost === "flops" || cost === "seconds") {
    parts.push(`<strong>${short(factor * table.cost[row])} ${cost_unit}</strong> a question`);
  }
  return `At η = ${etaOf(table, row)}${unit ? " " + unit : ""} of ${phrase} `
    + `the gate ${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}.`;
}

/* What chance would get for the same cost; empty where it isn't known. */
export function versusRandom({ table }, row) {
  const accuracy = table.random[row];
  if (accuracy === null) return "";
  return `At random, the same cost would get ${percent(accuracy)} right.`;
}

/* What it means on a link: seconds and energy of a question, and the bytes of a day. */
export function meaning({ table, link, a_day }, row) {
  const sent = table.bytes[row] * a_day;
  const [size, unit] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]].find(([size]) => sent >= size)
    ?? [1, "bytes"];
  const day = `${a_day.toLocaleString("en")} questions a day send ${short(sent / size)} ${unit}`;
  if (!link) return `${day}; with a link chosen, its seconds and energy stand here.`;
  const { seconds, joules: { [row]: joules } } = table;
  const energy = joules === null ? "energy that isn't known"
    : joules < 1 ? `${short(1000 * joules)} mJ` : `${short(joules)} J`;
  return `On ${link} a question takes ${short(seconds[row])} s and ${energy} of the edge's radio; `
    + `${day}.`;
}

/* How many questions are of one kind, and their share. */
export function countOf({ table, samples }, asked, way, row) {
  const number = (asked ? table.asked_kinds : table.not_asked_kinds)[way][row];
  return { number, share: number / samples, percent: percent(number / samples) };
}

/* The index of the point [x, y] that is nearest to a place, or null if none is within reach. */
export function nearest(points, [left, top], reach) {
  let found = null, least = reach;
  points.forEach(([x, y], index) => {
    const away = Math.hypot(x - left, y - top);
    if (away < least) [found, least] = [index, away];
  });
  return found;
}
