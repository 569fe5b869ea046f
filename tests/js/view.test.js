import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, fileName } from "../../dashboard/static/view.js";

test("a link says the view, and nothing of what the address said before", () => {
  const page = "http://host:7860/sub/path?tab=compare&__theme=dark#runs";
  const address = addressOf(page, { tab: "tradeoff", eta: "0.50" });
  assert.equal(address.href, "http://host:7860/sub/path?tab=tradeoff&eta=0.50");
});

test("what isn't set isn't in the link, and an η of zero, which is text, is", () => {
  const { search } = addressOf("http://host/", { over: "", run: null, axis: undefined });
  assert.equal(search, "");
  assert.equal(addressOf("http://host/", { eta: "0.00" }).search, "?eta=0.00");
});

test("text from outside can't become another parameter", () => {
  const { search, searchParams } = addressOf("http://host/", { run: "a&metric=b#c d" });
  assert.equal(searchParams.get("run"), "a&metric=b#c d");
  assert.equal(search, "?run=a%26metric%3Db%23c+d");
});

test("a file is called by its chart, and by η where it has one", () => {
  assert.equal(fileName("tradeoff", "0.50"), "tradeoff-eta-0.50");
  assert.equal(fileName("steps", undefined), "steps");
});
