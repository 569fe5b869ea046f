/* Back and forward within the page. What was typed belongs to an entry of the browser's history, and
   comes back with it. Only the part of the address behind the # changes: Plotly's clip paths and
   patterns refer to what is before it, and would be lost with it. */

import { hashOf, isStep, left, stateOf } from "./address.js";

let here = {}; // what the current entry says
let started = false, travelling = false, patience = null;

function keep(step) {
  const entry = { ...history.state, secondLook: here };
  // Whole: the page has a <base>, which a # alone would be taken of.
  const address = `${location.pathname}${location.search}#${hashOf(here)}`;
  history[step ? "pushState" : "replaceState"](entry, "", address);
}

/* Of a sample, as an address has it; empty for a picture of one's own. */
const numberOf = (index) => (Number.isInteger(index) ? index + 1 : "");

/* The visitor has done something: part of what the entry says from now on. */
export function went(told) {
  if (!started || travelling) return;
  const before = here, after = { ...here, ...told }, step = isStep(before, after);
  if (step) {
    here = left(before, after);
    keep(false);
  }
  here = after;
  keep(step);
}

/* Of the walkthrough: index of a sample, if it is one, the question as it is typed, the image. */
export function walked(index, question, image) {
  const picture = image?.path ?? "", asked = picture === here.picture ? here.asked : undefined;
  went({ sample: numberOf(index), question, picture, asked });
}

/* The page stands: what the address says is wanted, and from now on the address follows. */
export function arrive(index, question, image) {
  const wanted = { ...stateOf(location.hash), ...history.state?.secondLook };
  const open = document.querySelector("#tabs [role=tab][aria-selected=true]")?.dataset.tabId;
  const inner = document.querySelector("#analyses [role=tab][aria-selected=true]")?.dataset.tabId;
  here = {
    tab: open === "benchmarks" ? inner ?? "tradeoff" : "walkthrough",
    sample: numberOf(index), question, picture: image?.path ?? "",
  };
  started = true;
  if (Object.keys(wanted).length) go(wanted);
  else keep(false);
}

function go(wanted) {
  here = wanted;
  travelling = true;
  clearTimeout(patience);
  patience = setTimeout(arrived, 30_000); // it was lost on its way
  window.dispatchEvent(new CustomEvent("second-look-travel", { detail: wanted }));
}

/* The page shows what was wanted. */
export function arrived() {
  clearTimeout(patience);
  patience = setTimeout(() => { travelling = false; }, 100); // after what follows from it
}

addEventListener("popstate", ({ state }) => {
  const wanted = state?.secondLook ?? stateOf(location.hash);
  if (started && Object.keys(wanted).length) go(wanted);
});
