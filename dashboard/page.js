/* What moves in the browser without asking the server: sliders that set a CSS variable, and the
   box that people drag. Listeners are on the document, so that it doesn't matter when Gradio draws
   what they are for. */

(() => {
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  /* <input type="range" data-sets="--name" data-unit="%"> sets --name on what it controls. */
  document.addEventListener("input", (event) => {
    const input = event.target;
    if (input.dataset?.sets) {
      const scope = input.closest(".compare, .maps");
      scope.style.setProperty(input.dataset.sets, input.value + (input.dataset.unit ?? ""));
    } else if (input.dataset?.edge) {
      const editor = input.closest(".box-editor");
      place(editor, fitted(editor, read(editor))); // the numbers wait until the typing is done
    }
  });
  document.addEventListener("change", (event) => {
    const editor = event.target.dataset?.edge && event.target.closest(".box-editor");
    if (editor) draw(editor, fitted(editor, read(editor)));
  });

  const EDGES = ["left", "top", "right", "bottom"];
  const field = (editor, edge) => editor.querySelector(`[data-edge=${edge}]`);
  const read = (editor) => EDGES.map((edge) => Math.round(Number(field(editor, edge).value) || 0));
  const limits = (editor) => ({
    width: Number(editor.dataset.width),
    height: Number(editor.dataset.height),
    smallest: Number(editor.dataset.smallest),
  });

  /* In order, within the original, and not too small to see. */
  function fitted(editor, [left, top, right, bottom]) {
    const { width, height, smallest } = limits(editor);
    [left, right] = [Math.min(left, right), Math.max(left, right)];
    [top, bottom] = [Math.min(top, bottom), Math.max(top, bottom)];
    left = clamp(left, 0, width - smallest);
    top = clamp(top, 0, height - smallest);
    return [left, top, clamp(right, left + smallest, width), clamp(bottom, top + smallest, height)];
  }

  /* Puts the frame there. */
  function place(editor, box) {
    const { width, height } = limits(editor);
    const [left, top, right, bottom] = box;
    const frame = editor.querySelector(".frame");
    frame.style.left = `${(100 * left) / width}%`;
    frame.style.top = `${(100 * top) / height}%`;
    frame.style.width = `${(100 * (right - left)) / width}%`;
    frame.style.height = `${(100 * (bottom - top)) / height}%`;
  }

  /* Puts frame and numbers there. */
  function draw(editor, box) {
    place(editor, box);
    EDGES.forEach((edge, index) => (field(editor, edge).value = box[index]));
  }

  function moved(editor, [left, top, right, bottom], dx, dy) {
    const { width, height } = limits(editor);
    dx = clamp(Math.round(dx), -left, width - right);
    dy = clamp(Math.round(dy), -top, height - bottom);
    return [left + dx, top + dy, right + dx, bottom + dy];
  }

  document.addEventListener("pointerdown", (event) => {
    const frame = event.target.closest?.(".box-editor .frame");
    if (!frame || event.button) return;
    event.preventDefault();
    frame.focus();
    const editor = frame.closest(".box-editor");
    const corner = event.target.dataset.corner;
    const start = read(editor);
    const area = frame.parentElement.getBoundingClientRect();
    const scale = limits(editor).width / area.width;
    const drag = (now) => {
      const dx = (now.clientX - event.clientX) * scale;
      const dy = (now.clientY - event.clientY) * scale;
      if (!corner) return draw(editor, moved(editor, start, dx, dy));
      const box = [...start];
      box[corner.includes("w") ? 0 : 2] += Math.round(dx);
      box[corner.includes("n") ? 1 : 3] += Math.round(dy);
      draw(editor, fitted(editor, box));
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
    const step = Math.max(1, Math.round(limits(editor).width / (event.shiftKey ? 400 : 50)));
    const [left, top, right, bottom] = read(editor);
    const moves = {
      ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
    };
    const sizes = { "+": step, "=": step, "-": -step };
    if (moves[event.key]) {
      draw(editor, moved(editor, [left, top, right, bottom], ...moves[event.key]));
    } else if (sizes[event.key]) {
      const by = sizes[event.key];
      draw(editor, fitted(editor, [left - by, top - by, right + by, bottom + by]));
    } else return;
    event.preventDefault();
  });

  window.secondLook = {
    /* The box as it stands, for the server: [left, top, right, bottom], or null. */
    box() {
      const editor = document.querySelector(".box-editor");
      return editor ? fitted(editor, read(editor)) : null;
    },
    /* Hands {name, type, base64} to the user as a file. */
    save(file) {
      if (!file) return;
      const bytes = Uint8Array.from(atob(file.base64), (character) => character.charCodeAt(0));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes], { type: file.type }));
      link.download = file.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    },
  };
})();
