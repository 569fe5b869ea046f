/* The language that one reads the page in. A cookie keeps it: the server labels the page by it. */

document.addEventListener("click", (event) => {
  const code = event.target.closest?.("[data-language]")?.dataset.language;
  if (!code) return;
  document.cookie = `second_look_language=${code}; path=/; max-age=31536000; SameSite=Lax`;
  location.reload();
});
