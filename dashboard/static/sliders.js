/* Numbers beside sliders, put right before Gradio sees them: in the capturing phase, before its own
   listeners. */

import { whenLeft, whileTyped } from "./numbers.js";

const rangedField = ({ target }) =>
  target.matches?.("input[type=number][min][max]:not([data-edge])") ? target : null;

document.addEventListener("focusin", (event) => {
  const field = rangedField(event);
  if (field) field.dataset.before = field.value;
});
document.addEventListener("input", (event) => {
  const field = rangedField(event);
  if (!field) return;
  const value = whileTyped(field.valueAsNumber, Number(field.min), Number(field.max));
  if (value !== field.valueAsNumber && !Number.isNaN(value)) field.value = value;
  if (field.value) field.dataset.before = field.value;
}, true);
document.addEventListener("blur", (event) => {
  const field = rangedField(event);
  if (!field) return;
  const value = whenLeft(field.valueAsNumber, Number(field.min), field.dataset.before);
  if (value === field.valueAsNumber) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}, true);
