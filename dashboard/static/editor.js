/* What moves in the walkthrough's pictures without asking the server: sliders that set a CSS
   variable, and the box that people drag. Listeners are on the document, so that it doesn't matter
   when Gradio draws what they are for. */

import { EDGES, fitted, moved, pressed, pulled, shares, typed } from "./box.js";

/* <input type="range" data-sets="--name" data-unit="%"> sets --name on what it controls. */
document.addEventListener("input", (event) => {
  const input = event.target;
  if (input.dataset?.sets) {
    const scope = input.closest(".compare, .maps");
    scope.style.setProperty(input.dataset.sets, input.value + (input.dataset.unit ?? ""));
  } else if (input.dataset?.edge) {
    const editor = input.closest(".box-editor"); // the numbers wait until the typing is done
    frameBox(editor, typed(limitsOf(editor), readBox(editor), input.dataset.edge));
  }
});
document.addEventListener("change", (event) => {
  const edge = event.target.dataset?.edge, editor = edge && event.target.closest(".box-editor");
  if (editor) drawBox(editor, typed(limitsOf(editor), readBox(editor), edge));
});

const edgeField = (editor, edge) => editor.querySelector(`[data-edge=${edge}]`);
const limitsOf = ({ dataset }) => ({
  width: Number(dataset.width),
  height: Number(dataset.height),
  smallest: Number(dataset.smallest),
});

/* A number that was left empty is what it was before. */
function readBox(editor) {
  return EDGES.map((edge) => {
    const { value, defaultValue } = edgeField(editor, edge);
    return Math.round(Number(value === "" ? defaultValue : value) || 0);
  });
}

/* Puts the frame there. */
function frameBox(editor, box) {
  Object.assign(editor.querySelector(".frame").style, shares(limitsOf(editor), box));
}

/* Puts frame and numbers there. */
function drawBox(editor, box) {
  frameBox(editor, box);
  EDGES.forEach((edge, index) => {
    edgeField(editor, edge).value = edgeField(editor, edge).defaultValue = box[index];
  });
}

document.addEventListener("pointerdown", (event) => {
  const frame = event.target.closest?.(".box-editor .frame");
  if (!frame || event.button) return;
  event.preventDefault();
  frame.focus();
  const editor = frame.closest(".box-editor"), { corner } = event.target.dataset;
  const limits = limitsOf(editor), start = readBox(editor);
  const scale = limits.width / frame.parentElement.getBoundingClientRect().width;
  const drag = (now) => {
    const dx = (now.clientX - event.clientX) * scale, dy = (now.clientY - event.clientY) * scale;
    const pull = corner ? pulled(limits, start, corner, dx, dy) : moved(limits, start, dx, dy);
    drawBox(editor, pull);
  };
  const stop = () => {
    removeEventListener("pointermove", drag);
    removeEventListener("pointerup", stop);
    removeEventListener("pointercancel", stop);
  };
  addEventListener("pointermove", drag);
  addEventListener("pointerup", stop);
  addEventListener("pointercancel", stop);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.(".box-editor .frame")) return;
  const editor = event.target.closest(".box-editor");
  const box = pressed(limitsOf(editor), readBox(editor), event.key, event.shiftKey);
  if (box === null) return;
  drawBox(editor, box);
  event.preventDefault();
});

/* The box as it stands, for the server: [left, top, right, bottom], or null. */
export function currentBox() {
  const editor = document.querySelector(".box-editor");
  return editor ? fitted(limitsOf(editor), readBox(editor)) : null;
}
