import assert from "node:assert/strict";
import { test } from "node:test";

import {
  countOf, etaOf, heightAt, meaning, nearest, rowOf, sentence, versusRandom,
} from "../../dashboard/static/operating.js";

const TABLE = {
  minimum: -0.1, step: 0.05, count: 3, digits: 2,
  asked: [1, 0.5, 0], accuracy: [0.9, 0.85, 0.6], cost: [2e9, 1.5e9, 1e9],
  additional_bytes: [1, 0.5, 0], bytes: [12345, 8000, 4000], random: [0.9, null, 0.6],
  asked_kinds: [[5, 3, 0], [1, 1, 0]], not_asked_kinds: [[0, 2, 5], [0, 0, 1]],
};
const META = {
  table: TABLE, unit: "bits", cost: "bytes", cost_unit: "kB", factor: 1, phrase: "mean entropy",
  samples: 6,
};

test("every row is found again by its own η", () => {
  for (let row = 0; row < TABLE.count; row++) assert.equal(rowOf(TABLE, etaOf(TABLE, row)), row);
  assert.deepEqual([0, 1, 2].map((row) => etaOf(TABLE, row)), ["-0.10", "-0.05", "0.00"]);
});

test("an η beyond the table has the row at its end, one between two the nearer", () => {
  assert.deepEqual([-9, -0.08, -0.07, 9].map((eta) => rowOf(TABLE, eta)), [0, 0, 1, 2]);
});

test("a line is as high as it is drawn", () => {
  const line = { x: [0, 1, 1, 3], y: [10, 20, 30, 50] }; // upright at 1
  assert.deepEqual([0, 0.5, 1, 2, 3].map((x) => heightAt(x, line)), [10, 15, 30, 40, 50]);
  assert.equal(heightAt(-0.1, line), null); // begins later
  assert.equal(heightAt(7, line), 50); // flat from its end on
  assert.equal(heightAt(1, { x: [1], y: [4] }), 4); // one point only
});

test("a sentence says what the gate does", () => {
  assert.equal(
    sentence(META, 1),
    "At η = -0.05 bits of mean entropy the gate asks for <strong>50 %</strong> of the local images, "
      + "<strong>85.0 %</strong> right, <strong>0.50</strong> additional cost and "
      + "<strong>8.0 kB</strong> a question.",
  );
});

test("a sentence has the interval, the unit and the cost where there are any", () => {
  const table = { ...TABLE, low: [0.8, null, 0.5], high: [0.95, null, 0.7] };
  const flops = { unit: "", cost: "flops", cost_unit: "GFLOP", factor: 1e-9 };
  const said = sentence({ ...META, table, ...flops }, 0);
  assert.match(said, /^At η = -0\.10 of mean entropy/);
  assert.match(said, /right \(95 % interval 80\.0 to 95\.0\),/);
  assert.match(said, /and <strong>2 GFLOP<\/strong> a question\.$/);
  assert.doesNotMatch(sentence({ ...META, table }, 1), /interval/);
});

test("chance is told where it is known", () => {
  assert.equal(versusRandom(META, 2), "At random, the same cost would get 60.0 % right.");
  assert.equal(versusRandom(META, 1), "");
});

test("the kinds of a row add up to all questions", () => {
  for (let row = 0; row < TABLE.count; row++) {
    let sum = 0;
    for (const asked of ["yes", ""]) for (const way of [0, 1]) {
      sum += countOf(META, asked, way, row).number;
    }
    assert.equal(sum, META.samples);
  }
  assert.deepEqual(countOf(META, "yes", 0, 1), { number: 3, share: 0.5, percent: "50.0 %" });
  assert.deepEqual(countOf(META, "", 1, 2), { number: 1, share: 1 / 6, percent: "16.7 %" });
});

test("a click means the nearest point within reach", () => {
  const points = [[0, 0], [10, 0], [10, 4]];
  assert.equal(nearest(points, [9, 3], 10), 2);
  assert.equal(nearest(points, [9, 1], 10), 1);
  assert.equal(nearest(points, [100, 100], 10), null);
  assert.equal(nearest([], [0, 0], 10), null);
});

test("what η means on a link is seconds and energy of a question, and bytes of a day", () => {
  const table = { ...TABLE, seconds: [1.234, 90, 0.02], joules: [0.0123, 2.5, null] };
  const meta = { ...META, table, link: "4G LTE", a_day: 1000 };
  assert.equal(
    meaning(meta, 0),
    "On 4G LTE a question takes 1.23 s and 12.3 mJ of the edge's radio; "
      + "1,000 questions a day send 12.3 MB.",
  );
  assert.match(meaning(meta, 1), /takes 90 s and 2\.5 J of/);
  assert.match(meaning(meta, 2), /0\.02 s and energy that isn't known of/);
  assert.match(meaning({ ...meta, link: "" }, 0), /^1,000 questions a day send 12\.3 MB; with/);
});
