/* What the page says of numbers. Computed only. */

/* 9 kB, 3.4 MB: two digits at least, in the units of the International System. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB"];
  let value = count, unit = 0;
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function meter(sent, original) {
  return `${bytes(sent)} of ${bytes(original)} left this phone`;
}

const WHY = {
  late: "a closer look would have come too late",
  dear: "the shared link had no room for a closer look",
};

/* What came of the gate. `eta` as the server says it: a number, or a word for infinity. */
export function verdict({ uncertainty, box, skipped, late }, eta) {
  const limit = typeof eta === "number" ? String(Number(eta.toPrecision(3)))
    : eta === "Infinity" ? "∞" : "−∞";
  const facts = uncertainty === null ? "" : ` (uncertainty ${uncertainty.toFixed(2)}, η ${limit})`;
  if (late) return `Uncertain${facts}, but the second answer came too late: the first one stands`;
  if (box) return `Uncertain${facts}: it asked for a closer look`;
  if (skipped) return `${WHY[skipped] ?? "no closer look was asked for"}${facts}`
    .replace(/^./, (letter) => letter.toUpperCase());
  return `Sure enough${facts}: one look did`;
}

/* Where a box lies, as CSS: in shares of the photo's sides. */
export function shares([left, top, right, bottom], [width, height]) {
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  return {
    left: percent(left, width), top: percent(top, height),
    width: percent(right - left, width), height: percent(bottom - top, height),
  };
}
