import assert from "node:assert/strict";
import { test } from "node:test";

import { hashOf, isStep, left, stateOf } from "../../dashboard/static/address.js";

test("what an address says is read again, and nothing else", () => {
  const state = { tab: "tradeoff", run: "a b&c=d", eta: "0.30", question: "What? # & =ü", sample: 2 };
  assert.deepEqual(stateOf(`#${hashOf(state)}`), { ...state, sample: "2" });
  assert.equal(hashOf({ tab: "", question: null, picture: "/tmp/x.jpg", asked: "secret" }), "");
  assert.deepEqual(stateOf("#stage-1"), {});
});

test("a step leads from one place to another", () => {
  const before = { tab: "walkthrough", picture: "a", question: "typed" };
  assert.equal(isStep(before, { ...before, question: "typed more" }), false);
  assert.equal(isStep(before, { ...before, eta: "0.5" }), false);
  assert.equal(isStep(before, { ...before, tab: "tradeoff" }), true);
  assert.equal(isStep(before, { ...before, picture: "b" }), true);
  assert.equal(isStep(before, { ...before, run: "first to be drawn" }), false);
  assert.equal(isStep({ ...before, asked: "A?" }, { ...before, asked: "B?" }), true);
});

test("what is left is the question that was asked there, not the one typed over it", () => {
  const before = { picture: "a", asked: "A?", question: "B?" };
  assert.equal(left(before, { ...before, asked: "B?" }).question, "A?");
  assert.equal(left(before, { ...before, tab: "tradeoff" }).question, "B?");
  assert.equal(left({ ...before, asked: undefined }, { ...before, asked: "B?" }).question, "B?");
});
