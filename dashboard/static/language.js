/* The language that one reads the page in. A cookie keeps it, by which the server says its lists. */

import { figureIn, follow, preferred, translator } from "./translate.js";

const COOKIE = "second_look_language";
const dictionaries = window.secondLookWords ?? {}; // by their codes
const chosen = document.cookie.match(new RegExp(`(?:^|; )${COOKIE}=(\\w+)`))?.[1];
const reading = chosen === "en" || Object.hasOwn(dictionaries, chosen) ? chosen
  : preferred(navigator.languages, Object.keys(dictionaries));
const inWords = reading === "en" ? null : translator(dictionaries[reading], reading);

/* A figure in the language of the page. */
export const figureSaid = (figure) => (inWords ? figureIn(figure, inWords, reading) : figure);

if (inWords) {
  const named = () => {
    if (document.documentElement.lang !== reading) document.documentElement.lang = reading;
  };
  named();
  new MutationObserver(named).observe(document.documentElement, { attributeFilter: ["lang"] });
  follow(document, inWords);
}

document.addEventListener("click", (event) => {
  const wanted = event.target.closest?.("[data-language]")?.dataset.language;
  if (!wanted) return;
  document.cookie = `${COOKIE}=${wanted}; path=/; max-age=31536000; SameSite=Lax`;
  location.reload();
});
