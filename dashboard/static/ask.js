/* A question that is offered goes into the field; it is asked when the visitor says so. */

document.addEventListener("click", (event) => {
  const offered = event.target.closest?.("[data-question]");
  const field = document.querySelector("#question textarea");
  if (!offered || !field) return;
  field.value = offered.dataset.question;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
