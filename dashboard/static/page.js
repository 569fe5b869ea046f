/* What moves in the browser without asking the server: sliders that set a CSS variable, and the
   box that people drag; and what has to be right before Gradio sees it: numbers and files. Listeners
   are on the document, so that it doesn't matter when Gradio draws what they are for. */

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
      place(editor, typed(editor, input.dataset.edge)); // the numbers wait until the typing is done
    }
  });
  document.addEventListener("change", (event) => {
    const editor = event.target.dataset?.edge && event.target.closest(".box-editor");
    if (editor) draw(editor, typed(editor, event.target.dataset.edge));
  });

  const EDGES = ["left", "top", "right", "bottom"];
  const field = (editor, edge) => editor.querySelector(`[data-edge=${edge}]`);
  /* A number that was left empty is what it was before. */
  const read = (editor) => EDGES.map((edge) => {
    const { value, defaultValue } = field(editor, edge);
    return Math.round(Number(value === "" ? defaultValue : value) || 0);
  });
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

  /* The box after `edge` was typed: it stands, and its opposite gives way. */
  function typed(editor, edge) {
    const box = read(editor), { width, height, smallest } = limits(editor);
    const index = EDGES.indexOf(edge), first = index % 2, last = first + 2; // left, right or top, bottom
    const most = first ? height : width;
    if (index === first) {
      box[first] = clamp(box[first], 0, most - smallest);
      box[last] = clamp(box[last], box[first] + smallest, most);
    } else {
      box[last] = clamp(box[last], smallest, most);
      box[first] = clamp(box[first], 0, box[last] - smallest);
    }
    return box;
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
    EDGES.forEach((edge, index) => {
      field(editor, edge).value = field(editor, edge).defaultValue = box[index];
    });
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

  /* The number beside a slider. Gradio would send 999 on and put it right later, in silence; and
     take an empty one for the least. Here it never leaves its range while it is typed, nor comes
     to mean something else when it is left. In the capturing phase: before Gradio's own listeners. */
  const ranged = ({ target }) =>
    target.matches?.("input[type=number][min][max]:not([data-edge])") ? target : null;
  const say = (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  document.addEventListener("focusin", (event) => {
    const field = ranged(event);
    if (field) field.dataset.before = field.value;
  });
  document.addEventListener("input", (event) => {
    const field = ranged(event), value = field?.valueAsNumber;
    if (value > Number(field?.max)) field.value = field.max;
    if (value < Math.min(0, Number(field?.min))) field.value = field.min; // a 1 may become a 12
    if (field?.value) field.dataset.before = field.value;
  }, true);
  document.addEventListener("blur", (event) => {
    const field = ranged(event);
    if (!field) return;
    if (Number.isNaN(field.valueAsNumber)) say(field, field.dataset.before);
    else if (field.valueAsNumber < Number(field.min)) say(field, field.min);
  }, true);

  /* A file for the walkthrough. What is too large stays here, and the page says so; what isn't called
     an image is sent as one: Gradio would drop it in silence, and the server can say what it is. */
  const UNKNOWN = "image/x-unknown";
  const fileInput = () => document.querySelector("#original input[type=file]");
  const refuse = (name, why, size = 0) =>
    window.dispatchEvent(new CustomEvent("second-look-refused", { detail: { name, why, size } }));
  let sending = null; // the name of the last file, unless it was lost on its way

  document.addEventListener("change", (event) => {
    const input = event.target, file = input === fileInput() && input.files[0];
    if (!file) return;
    const largest = Number(document.getElementById("image-limits").dataset.largest);
    if (file.size > largest) {
      event.stopPropagation();
      input.value = "";
      refuse(file.name, "size", file.size);
      return;
    }
    sending = file.name;
    if (!file.type.startsWith("image/")) {
      input.files = listOf(new File([file], file.name, { type: UNKNOWN }));
    }
  }, true);
  document.addEventListener("drop", (event) => {
    const { target, dataTransfer } = event, input = fileInput(), file = dataTransfer?.files[0];
    if (!target.closest?.("#original") || !input || !file) return;
    event.preventDefault();
    event.stopPropagation(); // Gradio would clear what is there before it is known what comes
    target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
    if (dataTransfer.items[0]?.webkitGetAsEntry?.()?.isDirectory) return refuse(file.name, "folder");
    input.files = listOf(file);
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }, true);
  function listOf(file) {
    const transfer = new DataTransfer();
    transfer.items.add(file);
    return transfer.files;
  }

  /* Where an upload fails on its way, Gradio leaves an empty panel. */
  const fetched = window.fetch;
  window.fetch = async (...request) => {
    const upload = /\/upload(_progress)?\?/.test(request[0]?.url ?? request[0]);
    const lost = () => {
      if (sending !== null) refuse(sending, "way");
      sending = null;
    };
    try {
      const response = await fetched(...request);
      if (upload && !response.ok) lost();
      return response;
    } catch (error) {
      if (upload) lost();
      throw error;
    }
  };

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
