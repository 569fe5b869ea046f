/* Where the browser lends no camera, Gradio says nothing, or stumbles. */

import { refuseFile } from "./files.js";

const devices = navigator.mediaDevices ?? {}; // none on an insecure page
const lend = devices.getUserMedia?.bind(devices);
devices.getUserMedia = async (...wish) => {
  try {
    if (lend) return await lend(...wish);
    refuseFile("", "insecure");
  } catch (error) {
    refuseFile("", error.name === "NotAllowedError" ? "forbidden" : "absent");
  }
  return new Promise(() => {}); // nothing comes
};
if (!navigator.mediaDevices) Object.defineProperty(navigator, "mediaDevices", { value: devices });
