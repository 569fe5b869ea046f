import assert from "node:assert/strict";
import { test } from "node:test";

import { whenLeft, whileTyped } from "../../dashboard/static/numbers.js";

test("a number never leaves its range while it is typed", () => {
  assert.equal(whileTyped(999, 1, 100), 100);
  assert.equal(whileTyped(55, 1, 100), 55);
  assert.equal(whileTyped(-7, -4, 4), -4);
  assert.equal(whileTyped(-1, 1, 100), 1);
});

test("what may still become a larger number is let be", () => {
  assert.equal(whileTyped(1, 10, 100), 1); // of 12
  assert.equal(whenLeft(1, 10, "50"), 10);
});

test("an empty field is what it was before, not the least", () => {
  assert(Number.isNaN(whileTyped(NaN, 1, 100)));
  assert.equal(whenLeft(NaN, 1, "75"), "75");
});

test("a number within its range is left alone", () => {
  assert.equal(whenLeft(42, 1, "75"), 42);
});
