/* Smaller pixels: averages of whole blocks, then Lanczos, bit for bit as Pillow makes them for the
   Python edge (core/imaging/resize.py). A browser's own scaling differs from browser to browser,
   and small letters are what the second look is about. Computed only.

   A source is { size: [width, height], rows(top, bottom) }: RGBA bytes of those rows. What comes
   out is { size, data }, RGB bytes. Alpha has been laid on white before. */

const GAP = 3; // times the target, down to which blocks are averaged
const SUPPORT = 3; // pixels of Lanczos, on each side
const PRECISION = 2 ** 22; // of its weights
const STRIP = 2 ** 20; // pixels read at a time: a photo is never here as a whole

/* The part of a source, [left, top, right, bottom] and maybe between pixels, at this size. */
export function resized(source, size, part) {
  const spans = [0, 1].map((axis) => [part[axis], part[axis + 2]]);
  const factors = spans.map(([from, to], axis) =>
    Math.trunc((to - from) / size[axis] / GAP) || 1);
  const whole = factors.every((factor) => factor === 1);
  const cut = spans.map(([from, to], axis) =>
    whole ? [0, source.size[axis]] : around(from, to, size[axis], source.size[axis]));
  const reduced = averaged(source, cut, factors);
  const [x, y] = spans.map(([from, to], axis) =>
    [from, to].map((edge) => Math.fround((edge - cut[axis][0]) / factors[axis])));
  return vertically(horizontally(reduced, size[0], x), size[1], y);
}

/* As far as the filter reaches around a span. */
function around(from, to, size, most) {
  const reach = ((SUPPORT - 0.5) * (to - from)) / size;
  return [Math.max(0, Math.trunc(from - reach)), Math.min(most, Math.ceil(to + reach))];
}

/* Means of whole blocks; those at the right and lower border may be smaller. */
function averaged(source, [[left, right], [top, bottom]], [across, down]) {
  const width = Math.ceil((right - left) / across), height = Math.ceil((bottom - top) / down);
  const data = new Uint8ClampedArray(3 * width * height);
  const full = source.size[0], strip = down * Math.max(1, Math.floor(STRIP / full / down));
  const sums = new Float64Array(3 * width), last = right - left - (width - 1) * across;
  for (let start = top; start < bottom; start += strip) {
    const end = Math.min(start + strip, bottom), pixels = source.rows(start, end);
    for (let block = start; block < end; block += down) {
      const rows = Math.min(down, end - block);
      sums.fill(0);
      for (let row = 0; row < rows; row++) {
        let from = 4 * ((block - start + row) * full + left), to = 0;
        for (let x = 0; x < width; x++, to += 3) {
          const count = x === width - 1 ? last : across;
          for (let i = 0; i < count; i++, from += 4) {
            sums[to] += pixels[from];
            sums[to + 1] += pixels[from + 1];
            sums[to + 2] += pixels[from + 2];
          }
        }
      }
      const place = 3 * width * ((block - top) / down);
      for (let x = 0; x < width; x++) {
        const count = rows * (x === width - 1 ? last : across), half = count >> 1;
        const share = Math.floor(Math.fround(2 ** 32 / (256 * count))); // as Pillow divides
        for (let c = 3 * x; c < 3 * x + 3; c++) {
          data[place + c] = Math.floor(((sums[c] + half) * share) / 2 ** 24);
        }
      }
    }
  }
  return { size: [width, height], data };
}

function horizontally(image, width, [from, to]) {
  const [before, height] = image.size;
  if (width === before && from === 0 && to === before) return image;
  const data = new Uint8ClampedArray(3 * width * height);
  weights(before, from, to, width).forEach(({ first, shares }, x) => {
    for (let y = 0; y < height; y++) {
      filtered(image.data, 3 * (y * before + first), 3, shares, data, 3 * (y * width + x));
    }
  });
  return { size: [width, height], data };
}

function vertically(image, height, [from, to]) {
  const [width, before] = image.size;
  if (height === before && from === 0 && to === before) return image;
  const data = new Uint8ClampedArray(3 * width * height);
  weights(before, from, to, height).forEach(({ first, shares }, y) => {
    for (let x = 0; x < width; x++) {
      filtered(image.data, 3 * (first * width + x), 3 * width, shares, data, 3 * (y * width + x));
    }
  });
  return { size: [width, height], data };
}

/* One pixel: the sum of those from `at` on, `step` apart, by their shares. */
function filtered(pixels, at, step, shares, data, place) {
  let red = PRECISION / 2, green = red, blue = red;
  for (const share of shares) {
    red += pixels[at] * share;
    green += pixels[at + 1] * share;
    blue += pixels[at + 2] * share;
    at += step;
  }
  data[place] = Math.floor(red / PRECISION); // a clamped array: 0 to 255
  data[place + 1] = Math.floor(green / PRECISION);
  data[place + 2] = Math.floor(blue / PRECISION);
}

/* For each pixel of a line: the first that it is made of, and the whole-numbered shares. */
function weights(before, from, to, after) {
  const scale = Math.fround(to - from) / after, stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  return Array.from({ length: after }, (_, i) => {
    const center = from + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(before, Math.trunc(center + support + 0.5));
    const raw = [];
    for (let x = first; x < end; x++) raw.push(lanczos((x - center + 0.5) * (1 / stretch)));
    const sum = raw.reduce((total, value) => total + value, 0);
    const shares = raw.map((value) => {
      const share = (value / sum) * PRECISION;
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return { first, shares };
  });
}

function lanczos(x) {
  return -SUPPORT <= x && x < SUPPORT ? sinc(x) * sinc(x / SUPPORT) : 0;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}
