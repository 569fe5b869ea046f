/* How an image is brought to a model: core/imaging/fit.py, word for word. Computed only.
   A fit is { how, inputSize: [width, height], cell }; sizes are [width, height] in pixels. */

export const HOWS = ["stretch", "cover", "pad", "area"];

/* To the nearest whole number, and a half to the even one, as Python rounds. */
export function round(value) {
  const below = Math.floor(value), rest = value - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/* The size at which an image of this size is sent: never enlarged, along neither axis. */
export function size(fit, original) {
  const [w, h] = original, [inputW, inputH] = fit.inputSize;
  if (fit.how === "stretch") return [Math.min(w, inputW), Math.min(h, inputH)];
  if (fit.how === "cover") {
    const [left, top, right, bottom] = region(fit, original);
    const width = Math.max(1, round(right - left)), height = Math.max(1, round(bottom - top));
    return [Math.min(width, inputW), Math.min(height, inputH)];
  }
  if (fit.how === "pad") {
    const factor = Math.min(1, inputW / w, inputH / h);
    return [Math.max(1, round(w * factor)), Math.max(1, round(h * factor))];
  }
  const most = inputW * inputH, { cell } = fit;
  if (w * h <= most) return [w, h];
  const rounded = [w, h].map((side) => Math.max(cell, round(side / cell) * cell));
  if (rounded[0] * rounded[1] <= most) return [Math.min(w, rounded[0]), Math.min(h, rounded[1])];
  const shrink = Math.sqrt((w * h) / most);
  const [width, height] = [w, h].map((side) =>
    Math.min(side, Math.max(cell, Math.trunc(side / shrink / cell) * cell)));
  if (width * height <= most) return [width, height];
  const short = Math.min(width, height); // a line, which is a cell wide at least
  return [Math.min(width, Math.floor(most / short)), Math.min(height, Math.floor(most / short))];
}

/* [left, top, right, bottom] of what is sent of such an image, in its pixels. */
export function region(fit, [w, h]) {
  if (fit.how !== "cover") return [0, 0, w, h];
  const [inputW, inputH] = fit.inputSize;
  const scale = Math.max(inputW / w, inputH / h);
  let width = Math.min(w, inputW / scale), height = Math.min(h, inputH / scale);
  let left = (w - width) / 2, top = (h - height) / 2;
  if (scale >= 1) { // sent as it is: in whole pixels, so that none is blurred
    [width, height] = [Math.max(1, round(width)), Math.max(1, round(height))];
    [left, top] = [Math.floor((w - width) / 2), Math.floor((h - height) / 2)];
  }
  return [left, top, left + width, top + height];
}

/* Whether a box that a server asks for lies in the original, in whole pixels. */
export function inside(box, [w, h]) {
  const [left, top, right, bottom] = box;
  return box.length === 4 && box.every(Number.isInteger)
    && left >= 0 && left < right && right <= w && top >= 0 && top < bottom && bottom <= h;
}
