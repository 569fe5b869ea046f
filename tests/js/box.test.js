import assert from "node:assert/strict";
import { test } from "node:test";

import {
  EDGES, fitted, moved, pressed, pulled, shares, typed,
} from "../../dashboard/static/box.js";

const LIMITS = { width: 400, height: 300, smallest: 8 };
const BOX = [100, 50, 200, 150];

/* Every edge far outside, at the borders, inside, and on top of another. */
function* boxes() {
  const places = [-1000, -1, 0, 4, 150, 299, 300, 399, 400, 1000];
  for (const left of places) for (const top of places)
    for (const right of places) for (const bottom of places) yield [left, top, right, bottom];
}

function lies(limits, [left, top, right, bottom]) {
  const { width, height, smallest } = limits;
  return left >= 0 && top >= 0 && right <= width && bottom <= height
    && right - left >= smallest && bottom - top >= smallest;
}

test("whatever the edges, a fitted box lies within the original and can be seen", () => {
  for (const box of boxes()) assert(lies(LIMITS, fitted(LIMITS, box)), String(box));
});

test("a box that fits stays as it is, whichever corner comes first", () => {
  assert.deepEqual(fitted(LIMITS, BOX), BOX);
  assert.deepEqual(fitted(LIMITS, [200, 150, 100, 50]), BOX);
});

test("an original smaller than the least box is taken whole", () => {
  const tiny = { width: 3, height: 1, smallest: 1 };
  assert.deepEqual(fitted(tiny, [0, 0, 9, 9]), [0, 0, 3, 1]);
});

test("an edge that was typed stands where it can, and its opposite gives way", () => {
  assert.deepEqual(typed(LIMITS, BOX, "left"), BOX);
  assert.deepEqual(typed(LIMITS, [250, 50, 200, 150], "left"), [250, 50, 258, 150]);
  assert.deepEqual(typed(LIMITS, [399, 50, 200, 150], "left"), [392, 50, 400, 150]);
  assert.deepEqual(typed(LIMITS, [100, 50, 20, 150], "right"), [12, 50, 20, 150]);
  assert.deepEqual(typed(LIMITS, [100, 999, 200, 150], "top"), [100, 292, 200, 300]);
  assert.deepEqual(typed(LIMITS, [100, 50, 200, -5], "bottom"), [100, 0, 200, 8]);
});

test("a typed edge leaves the other pair alone, and the box it was given", () => {
  for (const [index, edge] of EDGES.entries()) {
    const box = [...BOX];
    box[index] = 1000;
    const before = [...box], after = typed(LIMITS, box, edge), other = 1 - (index % 2);
    assert.deepEqual(box, before);
    assert.deepEqual([after[other], after[other + 2]], [box[other], box[other + 2]]);
    assert(lies(LIMITS, after), edge);
  }
});

test("a moved box keeps its size and stops at the border", () => {
  assert.deepEqual(moved(LIMITS, BOX, 10.4, -10.6), [110, 39, 210, 139]);
  assert.deepEqual(moved(LIMITS, BOX, 1e6, 1e6), [300, 200, 400, 300]);
  assert.deepEqual(moved(LIMITS, BOX, -1e6, -1e6), [0, 0, 100, 100]);
});

test("a corner takes two edges with it", () => {
  assert.deepEqual(pulled(LIMITS, BOX, "nw", -10, -20), [90, 30, 200, 150]);
  assert.deepEqual(pulled(LIMITS, BOX, "ne", 10, 20), [100, 70, 210, 150]);
  assert.deepEqual(pulled(LIMITS, BOX, "sw", 10, 20), [110, 50, 200, 170]);
  assert.deepEqual(pulled(LIMITS, BOX, "se", -10, -20), [100, 50, 190, 130]);
  assert.deepEqual(pulled(LIMITS, BOX, "se", -150, 0), [50, 50, 100, 150]); // turned over
});

test("arrows move by a fiftieth of the width, with shift by less", () => {
  assert.deepEqual(pressed(LIMITS, BOX, "ArrowRight", false), [108, 50, 208, 150]);
  assert.deepEqual(pressed(LIMITS, BOX, "ArrowUp", true), [100, 49, 200, 149]);
  const small = { ...LIMITS, width: 10 };
  assert.deepEqual(pressed(small, [0, 0, 8, 8], "ArrowRight", true), [1, 0, 9, 8]);
});

test("plus and minus change the size around the middle", () => {
  assert.deepEqual(pressed(LIMITS, BOX, "+", false), [92, 42, 208, 158]);
  assert.deepEqual(pressed(LIMITS, BOX, "-", false), [108, 58, 192, 142]);
});

test("any other key is left to the browser", () => {
  for (const key of ["Tab", "a", "Enter", "toString", "__proto__"]) {
    assert.equal(pressed(LIMITS, BOX, key, false), null);
  }
});

test("a box is placed in shares of the original", () => {
  const whole = { left: "0%", top: "0%", width: "100%", height: "100%" };
  assert.deepEqual(shares(LIMITS, [0, 0, 400, 300]), whole);
  const right = { left: "50%", top: "0%", width: "50%", height: "50%" };
  assert.deepEqual(shares(LIMITS, [200, 0, 400, 150]), right);
});
