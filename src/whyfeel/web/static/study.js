// Keys, and one sending a form. Without this file every page still works.
document.documentElement.classList.add("js");

const trial = document.getElementById("trial");
const typing = (node) => node.matches("textarea, select, input:not([type=radio])");

document.addEventListener("keydown", (event) => {
  if (!trial || event.repeat || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (typing(event.target)) return;
  if (event.key === "Enter") {
    if (event.target.closest("a, button, summary")) return;
    event.preventDefault(); // a radio that has the focus would send the form besides
    trial.requestSubmit(trial.querySelector(".button.main"));
    return;
  }
  const choice = trial.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!choice) return;
  event.preventDefault();
  choice.checked = true;
  choice.focus({ preventScroll: true });
});

// A second click sends nothing.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});

// A page out of the browser's memory may be long answered.
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
