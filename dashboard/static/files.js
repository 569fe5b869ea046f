/* A file for the walkthrough. What is too large stays here, and the page says so; what isn't called
   an image is sent as one: Gradio would drop it in silence, and the server can say what it is. */
const UNKNOWN_IMAGE = "image/x-unknown";
const fileInput = () => document.querySelector("#original input[type=file]");
export const refuseFile = (name, why, size = 0) =>
  window.dispatchEvent(new CustomEvent("second-look-refused", { detail: { name, why, size } }));
let sending = null; // the name of the file whose upload is about to begin

document.addEventListener("change", (event) => {
  const input = event.target, file = input === fileInput() && input.files[0];
  if (!file) return;
  const largest = Number(document.getElementById("image-limits").dataset.largest);
  if (file.size > largest) {
    event.stopPropagation();
    input.value = "";
    refuseFile(file.name, "size", file.size);
    return;
  }
  sending = file.name;
  if (!file.type.startsWith("image/")) {
    input.files = fileList(new File([file], file.name, { type: UNKNOWN_IMAGE }));
  }
}, true);
/* A file that is dropped beside everything that takes one: the browser would open it in place of the
   page. Where the walkthrough is shown, it is the picture that is meant. */
const panel = () => document.getElementById("original");
const elsewhere = (target) =>
  !panel()?.contains(target) && !target.closest?.("button")?.querySelector("input[type=file]");
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files") || !elsewhere(event.target)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = panel()?.checkVisibility() ? "copy" : "none";
}, true);
document.addEventListener("drop", (event) => {
  const { target, dataTransfer } = event, input = fileInput(), file = dataTransfer?.files[0];
  if (!file) return;
  const beside = elsewhere(target);
  if (beside) event.preventDefault();
  const meant = beside ? panel()?.checkVisibility() : panel()?.contains(target);
  if (!meant || !input) return;
  event.preventDefault();
  event.stopPropagation(); // Gradio would clear what is there before it is known what comes
  target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
  const folder = dataTransfer.items[0]?.webkitGetAsEntry?.()?.isDirectory;
  if (folder) return refuseFile(file.name, "folder");
  input.files = fileList(file);
  input.dispatchEvent(new Event("change", { bubbles: true }));
}, true);
function fileList(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  return transfer.files;
}

/* Whoever chooses another picture while a file is on its way wants that one: the file would come in
   its place later, and the question about the one be asked about the other. */
const OTHERS = "#samples button, button.open";
const ANOTHER = new Error("second-look-another-picture");
let underWay = null; // what gives up the upload
document.addEventListener("click", (event) => {
  if (underWay && event.target.closest?.(OTHERS)) {
    underWay.abort(ANOTHER);
    hush(ANOTHER.message);
  }
}, true);
/* Gradio calls what was given up an error of the connection: close its message as it appears. */
function hush(words) {
  const watching = new MutationObserver(() => {
    for (const toast of document.querySelectorAll(".toast-body"))
      if (toast.textContent.includes(words)) toast.querySelector("button")?.click();
  });
  watching.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => watching.disconnect(), 5000);
}

/* Where an upload fails on its way, Gradio leaves an empty panel. */
const plainFetch = window.fetch;
window.fetch = async (...request) => {
  const address = request[0]?.url ?? request[0];
  // With the camera, Gradio asks for the progress of no upload, and takes a 404 for an error.
  if (/\/upload_progress\?upload_id=$/.test(address)) {
    const headers = { "Content-Type": "text/event-stream" };
    return new Response('data: {"msg": "done"}\n\n', { headers });
  }
  // That of its progress is given up where it is done first; and a run's upload is none of ours.
  if (sending === null || !/\/upload\?/.test(address)) return plainFetch(...request);
  const name = sending, quit = underWay = new AbortController();
  sending = null;
  try {
    const response = await plainFetch(request[0], { ...request[1], signal: quit.signal });
    if (!response.ok) refuseFile(name, "way");
    return response;
  } catch (error) {
    if (error !== ANOTHER) refuseFile(name, "way");
    throw error;
  } finally {
    if (underWay === quit) underWay = null;
  }
};
