/* The language that one reads the page in: what the address says (?lang=de), what was chosen, or the
   browser's own. A cookie keeps it, by which the server says its lists. */

import { figureIn, follow, preferred, translator } from "./translate.js";

const COOKIE = "second_look_language";
const dictionaries = window.secondLookWords ?? {}; // by their codes
const isLanguage = (language) => language === "en" || Object.hasOwn(dictionaries, language);
const keepLanguage = (language) => {
  document.cookie = `${COOKIE}=${language}; path=/; max-age=31536000; SameSite=Lax`;
};
const languageAsked = new URLSearchParams(location.search).get("lang");
if (isLanguage(languageAsked)) keepLanguage(languageAsked);
const chosen = document.cookie.match(new RegExp(`(?:^|; )${COOKIE}=(\\w+)`))?.[1];
const reading = isLanguage(chosen) ? chosen
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
  keepLanguage(wanted);
  const address = new URL(location);
  if (!address.searchParams.has("lang")) return location.reload();
  address.searchParams.delete("lang");
  location.replace(address);
});
