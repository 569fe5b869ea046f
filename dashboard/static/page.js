/* What the page's own components call in the browser, as `window.secondLook`. */

import { toBoard } from "./board.js";
import { copyLink, drawing, move, saveData, savePicture, settle } from "./charts.js";
import { currentBox } from "./editor.js";
import { decoded, save } from "./save.js";
import { arrive, arrived, walked, went } from "./travel.js";

window.secondLook = {
  arrive,
  arrived,
  box: currentBox,
  copyLink,
  drawing,
  move,
  saveData,
  savePicture,
  settle,
  toBoard,
  walked,
  went,
  /* A file as the server hands it over: {name, type, base64}. */
  save: (file) => file && save(file.name, file.type, decoded(file.base64)),
};
