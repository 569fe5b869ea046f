/* What an address says behind its #, so that Back, a reload and a bookmark lead where one was. */

const NAMES = [ // of what is said, in this order
  "tab", "run", "metric", "tokens", "axis", "over", "eta", "sample", "measure", "threshold",
  "cropper", "looks", "question",
];
const PLACES = ["tab", "run", "picture", "asked"]; // a step from one to another is one for Back

/* The part behind the #; of what is empty nothing is said. */
export function hashOf(state) {
  const said = new URLSearchParams();
  for (const name of NAMES) if ((state[name] ?? "") !== "") said.set(name, state[name]);
  return said.toString();
}

/* What a part behind the # says; what else stands there is none of ours. */
export function stateOf(hash) {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(NAMES.filter((name) => said.has(name)).map((n) => [n, said.get(n)]));
}

/* Whether somebody has gone from one place to another. What wasn't known yet was no place. */
export function isStep(before, after) {
  return PLACES.some((name) => before[name] !== undefined && before[name] !== after[name]);
}

/* What the entry that is left shall say: where one question was asked after another, the first one,
   over which the second was typed. */
export function left(before, after) {
  const another = before.asked && after.asked !== before.asked && before.picture === after.picture;
  return another ? { ...before, question: before.asked } : before;
}
