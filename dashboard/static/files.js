/* A file for the walkthrough. What is too large stays here, and the page says so; what isn't called
   an image is sent as one: Gradio would drop it in silence, and the server can say what it is. */
const UNKNOWN_IMAGE = "image/x-unknown";
const fileInput = () => document.querySelector("#original input[type=file]");
export const refuseFile = (name, why, size = 0) =>
  window.dispatchEvent(new CustomEvent("second-look-refused", { detail: { name, why, size } }));
let sending = null; // the name of the last file, unless it was lost on its way

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
document.addEventListener("drop", (event) => {
  const { target, dataTransfer } = event, input = fileInput(), file = dataTransfer?.files[0];
  if (!target.closest?.("#original") || !input || !file) return;
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

/* Where an upload fails on its way, Gradio leaves an empty panel. */
const plainFetch = window.fetch;
window.fetch = async (...request) => {
  const address = request[0]?.url ?? request[0];
  // With the camera, Gradio asks for the progress of no upload, and takes a 404 for an error.
  if (/\/upload_progress\?upload_id=$/.test(address)) {
    const headers = { "Content-Type": "text/event-stream" };
    return new Response('data: {"msg": "done"}\n\n', { headers });
  }
  const upload = /\/upload\?/.test(address); // that of its progress is given up where it is done first
  const lost = () => {
    if (sending !== null) refuseFile(sending, "way");
    sending = null;
  };
  try {
    const response = await plainFetch(...request);
    if (upload && !response.ok) lost();
    return response;
  } catch (error) {
    if (upload) lost();
    throw error;
  }
};
