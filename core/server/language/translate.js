/* A page in another language, put together in the browser: whatever comes onto it in English, from
   the server, from Gradio or from a script, is looked up in a dictionary. Elements with
   translate="no", as HTML has it, stay as they are: the words of visitors and of the model.

   A dictionary is {english: translated}; %(name)s stands for a value, and %(n)s, %(n1)s and so on
   for a number. A value is looked up, too, unless it stands in quotation marks, and numbers are
   written as the language writes them. */

const VALUE = /%\((\w+)\)s/g;
const QUOTES = /[“"]$/;
const NUMBER = /(?<![\w.,]|\w-)(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?!\w|[.,-]\w)/g;
const SENTENCES = /(?<=[.!?:;]) (?=[A-Z“η])/;
const ANY = "(.+?)", A_NUMBER = "([-−+<> ]*\\d[\\d.,]*(?:e[-+]?\\d+)?|[-−]?∞|–)";
// What only joins its values says nothing of a text, unless there is an entry for each of them.
const JOINED = /^\P{L}*(and|or)?\P{L}*$/u;
const LETTERS = /\p{L}/u;
const ATTRIBUTES = ["aria-label", "placeholder", "title", "alt"];
const KEPT = "[translate=no], script, style, code, textarea, .js-plotly-plot";

/* The first of the languages that there is a dictionary for, by its code; "en" if there is none. */
export function preferred(wanted, known) {
  const codes = wanted.map((one) => one.toLowerCase().split("-")[0]);
  return codes.find((code) => code === "en" || known.includes(code)) ?? "en";
}

/* A function that says a text in another language; null for one that the dictionary lacks. */
export function translator(strings, code) {
  const exact = new Map(), patterns = [], known = new Map();
  const [thousands, decimal] = separators(code);

  for (const [english, translated] of Object.entries(strings)) {
    const names = [...english.matchAll(VALUE)].map(([, name]) => name);
    if (names.length) patterns.push(pattern(english, translated, names));
    else exact.set(english, translated);
  }
  patterns.sort((one, other) => other.literal - one.literal); // what says most is meant

  const numbers = (text) => text.replace(NUMBER, (_, whole, rest = "") =>
    whole.replaceAll(",", thousands) + rest.replace(".", decimal));

  function whole(text) {
    if (exact.has(text)) return exact.get(text);
    for (const { form, names, quoted, strict, translated } of patterns) {
      const found = form.exec(text);
      if (!found) continue;
      const values = {};
      if (strict && found.slice(1).some((value) => LETTERS.test(value) && whole(value) === null)) continue;
      names.forEach((name, index) => {
        const value = found[index + 1];
        values[name] = quoted[index] ? value : say(value) ?? numbers(value);
      });
      return translated.replace(VALUE, (_, name) => values[name]);
    }
    return null;
  }

  function say(text) {
    if (!LETTERS.test(text)) return numbers(text);
    if (!known.has(text)) known.set(text, whole(text) ?? bySentence(text));
    return known.get(text);
  }

  function bySentence(text) {
    const parts = text.split(SENTENCES);
    if (parts.length < 2) return null;
    const said = parts.map(whole);
    return said.some((one) => one !== null)
      ? parts.map((part, index) => said[index] ?? part).join(" ") : null;
  }

  return say;
}

function pattern(english, translated, names) {
  const parts = english.split(/%\(\w+\)s/);
  const escaped = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"));
  return {
    form: new RegExp(`^${escaped.reduce((form, part, index) =>
      form + (/^n\d*$/.test(names[index - 1]) ? A_NUMBER : ANY) + part)}$`, "su"),
    quoted: names.map((_, index) => QUOTES.test(parts[index])),
    literal: parts.join("").length,
    strict: JOINED.test(parts.join("")),
    names,
    translated,
  };
}

function separators(code) {
  const parts = new Intl.NumberFormat(code).formatToParts(1234567.5);
  const of = (type) => parts.find((part) => part.type === type)?.value ?? "";
  return [of("group"), of("decimal")];
}

/* A text with its spaces kept at both ends, which are between it and its neighbours. */
function spaced(text, say) {
  const plain = text.trim();
  if (!plain) return text;
  const said = say(plain.replace(/\s+/g, " "));
  return said === null ? text : text.replace(plain, () => said);
}

const LABELS = new Set(["text", "name", "hovertemplate", "ticktext", "hovertext"]);
const AXES = new Set(["x", "y"]); // places on an axis, which may have names

/* A figure of Plotly in another language: a copy, in which every label is looked up. */
export function figureIn(figure, say, code) {
  const label = (value) => (typeof value === "string"
    ? value.split(/(<[^>]*>)/).map((part) => (part.startsWith("<") ? part : spaced(part, say))).join("")
    : Array.isArray(value) ? value.map(label) : value);
  const copy = (value) => {
    if (Array.isArray(value)) return value.some(isObject) ? value.map(copy) : value;
    if (!isObject(value) || Object.getPrototypeOf(value) !== Object.prototype) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, said(key, inner)]));
  };
  const said = (key, value) => {
    if (key === "meta") return value; // what the page keeps with the figure
    if (LABELS.has(key) && !isObject(value)) return label(value);
    const named = AXES.has(key) && Array.isArray(value) && value.every((v) => typeof v === "string");
    return named ? label(value) : copy(value);
  };
  const [thousands, decimal] = separators(code);
  return { data: copy(figure.data), layout: { ...copy(figure.layout), separators: decimal + thousands } };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/* Say all of a document in another language, now and whenever something comes. */
export function follow(root, say) {
  const done = new WeakMap(); // node: what was written there, by attribute, and "" for its text

  function put(node, name, english, write) {
    const before = done.get(node) ?? {};
    if (!english || before[name] === english) return;
    const said = spaced(english, say);
    done.set(node, { ...before, [name]: said });
    if (said !== english) write(said);
  }

  function text(node) {
    if (!node.parentElement?.closest(KEPT)) put(node, "", node.data, (said) => { node.data = said; });
  }

  function attributes(element) {
    for (const name of ATTRIBUTES) {
      if (!element.hasAttribute(name) || element.closest("[translate=no]")) continue;
      put(element, name, element.getAttribute(name), (said) => element.setAttribute(name, said));
    }
  }

  function all(node) {
    if (node.nodeType === Node.TEXT_NODE) return text(node);
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let one = node; one; one = walker.nextNode()) {
      if (one.nodeType === Node.TEXT_NODE) text(one);
      else attributes(one);
    }
  }

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "characterData") text(target);
      else if (type === "attributes") attributes(target);
      else addedNodes.forEach(all);
    }
  }).observe(root, {
    childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ATTRIBUTES,
  });
  all(root.documentElement ?? root);
}
