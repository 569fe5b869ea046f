/* The box that people move: [left, top, right, bottom] in pixels of the original. Computed only;
   `limits` are the original's width and height, and how small a box may be to be seen. */

export const EDGES = ["left", "top", "right", "bottom"];

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/* In order, within the original, and not too small to see. */
export function fitted({ width, height, smallest }, [left, top, right, bottom]) {
  [left, right] = [Math.min(left, right), Math.max(left, right)];
  [top, bottom] = [Math.min(top, bottom), Math.max(top, bottom)];
  left = clamp(left, 0, width - smallest);
  top = clamp(top, 0, height - smallest);
  return [left, top, clamp(right, left + smallest, width), clamp(bottom, top + smallest, height)];
}

/* The box after `edge` was typed: it stands, and its opposite gives way. */
export function typed({ width, height, smallest }, box, edge) {
  const changed = [...box], index = EDGES.indexOf(edge);
  const first = index % 2, last = first + 2; // left, right or top, bottom
  const most = first ? height : width;
  if (index === first) {
    changed[first] = clamp(box[first], 0, most - smallest);
    changed[last] = clamp(box[last], changed[first] + smallest, most);
  } else {
    changed[last] = clamp(box[last], smallest, most);
    changed[first] = clamp(box[first], 0, changed[last] - smallest);
  }
  return changed;
}

/* As large as it was, and no further than the original goes. */
export function moved({ width, height }, [left, top, right, bottom], dx, dy) {
  dx = clamp(Math.round(dx), -left, width - right);
  dy = clamp(Math.round(dy), -top, height - bottom);
  return [left + dx, top + dy, right + dx, bottom + dy];
}

/* Drawn by one of its corners: nw, ne, sw or se. */
export function pulled(limits, box, corner, dx, dy) {
  const changed = [...box];
  changed[corner.includes("w") ? 0 : 2] += Math.round(dx);
  changed[corner.includes("n") ? 1 : 3] += Math.round(dy);
  return fitted(limits, changed);
}

/* After a key: arrows move it, plus and minus change its size; null for any other. */
export function pressed(limits, box, key, fine) {
  const step = Math.max(1, Math.round(limits.width / (fine ? 400 : 50)));
  const moves = {
    ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
  };
  const sizes = { "+": step, "=": step, "-": -step };
  if (Object.hasOwn(moves, key)) return moved(limits, box, ...moves[key]);
  if (!Object.hasOwn(sizes, key)) return null;
  const [left, top, right, bottom] = box, by = sizes[key];
  return fitted(limits, [left - by, top - by, right + by, bottom + by]);
}

/* Where it lies, as CSS: in shares of the original's sides. */
export function shares({ width, height }, [left, top, right, bottom]) {
  return {
    left: `${(100 * left) / width}%`,
    top: `${(100 * top) / height}%`,
    width: `${(100 * (right - left)) / width}%`,
    height: `${(100 * (bottom - top)) / height}%`,
  };
}
