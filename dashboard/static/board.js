/* Once a question was asked, the head of the page is small, and the board stands below it. */

const whole = document.documentElement;

export function toBoard() {
  if (document.querySelector("[id^=status] [role=alert]")) return; // read that first
  whole.classList.add("begun");
  const first = document.getElementById("class-panel") ?? document.getElementById("board");
  first.scrollIntoView({ block: "start" });
}

document.addEventListener("click", (event) => {
  if (event.target.id === "about-again") whole.classList.remove("begun");
});
