import assert from "node:assert/strict";
import { test } from "node:test";

import { figureIn, preferred, translator } from "../../core/server/language/translate.js";

const say = translator({
  "Asks for": "Verlangt",
  "%(n)s bits": "%(n)s Bit",
  "mean entropy": "mittlere Entropie",
  "%(phrase)s is %(value)s, above η = %(eta)s": "%(phrase)s %(value)s, über η = %(eta)s",
  "It read “%(word)s”.": "Es las „%(word)s“.",
  left: "links",
  "Try again.": "Noch einmal.",
  "%(n1)s of %(n2)s": "%(n2)s, davon %(n1)s",
  "%(one)s and %(other)s": "%(one)s und %(other)s",
  "%(title)s.": "%(title)s.",
  "%{y:.1f} % right": "%{y:.1f} % richtig",
}, "de");

test("a text is said whole, with its values looked up and its numbers as the language has them", () => {
  assert.equal(say("Asks for"), "Verlangt");
  assert.equal(say("mean entropy is 1.25 bits, above η = 0.5"),
    "mittlere Entropie 1,25 Bit, über η = 0,5");
  assert.equal(say("1,234 of 5,678.9"), "5.678,9, davon 1.234");
  assert.equal(say("12.50"), "12,50");
});

test("what stands in quotation marks is kept, and what the dictionary lacks is null", () => {
  assert.equal(say("It read “left”."), "Es las „left“.");
  assert.equal(say("It read “left”. Try again."), "Es las „left“. Noch einmal.");
  assert.equal(say("something else"), null);
  assert.equal(say("left and Asks for"), "links und Verlangt");
  assert.equal(say("left and something else"), null); // no half of it
  assert.equal(say("Something else."), null);
  assert.equal(say("any words of other words"), null); // %(n)s are numbers only
  assert.equal(say("a 1.5-7b and 2512.16349v1"), null);
});

test("of what a browser wants the first that there is", () => {
  assert.equal(preferred(["fr", "de-AT", "en"], ["de"]), "de");
  assert.equal(preferred(["en-GB", "de"], ["de"]), "en");
  assert.equal(preferred(["fr"], ["de"]), "en");
  assert.equal(preferred([], ["de"]), "en");
});

test("a figure is a copy with other labels: its numbers and what belongs to the page stay", () => {
  const x = [0.5, 1.5], meta = { label: "Asks for" };
  const figure = {
    data: [{ x, name: "Asks for", hovertemplate: "<b>left</b><br>%{y:.1f} % right<extra></extra>" }],
    layout: { meta, xaxis: { title: { text: "Asks for<br>left" } } },
  };
  const said = figureIn(figure, say, "de");
  assert.equal(said.data[0].x, x);
  assert.equal(said.data[0].name, "Verlangt");
  assert.equal(said.data[0].hovertemplate, "<b>links</b><br>%{y:.1f} % richtig<extra></extra>");
  assert.equal(said.layout.xaxis.title.text, "Verlangt<br>links");
  assert.equal(said.layout.meta, meta);
  assert.equal(said.layout.separators, ",.");
  assert.equal(figure.data[0].name, "Asks for");
});
