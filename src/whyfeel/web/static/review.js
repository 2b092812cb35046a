// Keys, drafts, and what happens when the server does not answer. Without this file every form still works.
import * as drafts from "./drafts.js";

const MOVES = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
const RETURNS = ["add", "undo", "restore"];
const waiting = []; // keys typed while an edit is on its way
let busy = false, leaving = false, step = null, unsent = false;
let selected = { id: null, index: 0, aside: false };
document.documentElement.classList.add("js");

// ---- the trigger that keys act on

const rows = () => [...document.querySelectorAll("#panel .trigger")];
const aside = (row) => row.closest(".aside") !== null;
const current = () => document.querySelector("#panel .trigger[aria-current]");

function select(row, focus = true) {
  if (!row) return;
  current()?.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
  selected = { id: row.dataset.id, index: rows().indexOf(row), aside: aside(row) };
  if (focus) {
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
}

// After an edit: the trigger it brought back, else the one it was about; where that was set aside, its neighbour.
function again(did, last) {
  const all = rows();
  const at = (id) => all.find((row) => row.dataset.id === id);
  const same = at(selected.id);
  const stays = same && aside(same) === selected.aside ? same : all[Math.min(selected.index, all.length - 1)];
  select(RETURNS.includes(did) ? at(last) ?? stays : stays);
}

// ---- keys

const typing = (node) => node.matches("input:not([type=radio]), textarea, select");

function leave(field) {
  field.blur();
  (field.closest(".trigger") ?? current())?.focus({ preventScroll: true });
}

function inField(event) {
  const field = event.target;
  const box = field.closest("details.fold");
  if (event.key === "Escape") {
    (box ? drafts.fields(box) : [field]).forEach(drafts.giveUp);
    document.getElementById("unsaved").hidden = true;
    if (box) box.open = false;
    leave(field);
  } else if (event.key === "Enter" && !event.isComposing) {
    event.preventDefault(); // a trigger is one line; and a reason goes with the step that follows it
    if (box) field.form.querySelector("button:not([disabled])").click();
    else leave(field);
  }
}

function begin(box) {
  if (!box.open || box.contains(document.activeElement?.form ?? null)) return;
  box.scrollIntoView({ block: "nearest" });
  box.querySelector("textarea, select").focus();
}

function press(key) {
  const all = rows();
  if (key in MOVES) {
    const at = all.indexOf(current());
    select(all[Math.min(Math.max(at + MOVES[key], 0), all.length - 1)]);
    return true;
  }
  const wanted = (node) => node.dataset.key === key && !node.disabled && (!node.closest(".trigger") || node.closest(".trigger") === current());
  const target = [...document.querySelectorAll("[data-key]")].find(wanted);
  if (!target) return false;
  if (target.matches("input:not([type=radio])")) target.focus();
  else target.click();
  if (target.matches("details.help > summary")) target.parentElement.scrollIntoView({ block: "start" });
  if (target.matches("details.fold > summary")) begin(target.parentElement); // at once: the next key is text already
  if (target.matches("input[type=radio]")) select(target.closest(".trigger"));
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (typing(event.target)) return inField(event);
  if (event.key === "Escape") {
    document.querySelectorAll("details.help[open]").forEach((box) => { box.open = false; });
    return;
  }
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (event.repeat && !(event.key in MOVES)) return event.key === "Enter" && event.preventDefault();
  if (leaving || unsent) return event.preventDefault();
  if (busy) waiting.push(event.key);
  else if (!press(event.key)) return;
  event.preventDefault();
});

document.addEventListener("focusin", (event) => {
  const row = event.target.closest("#panel .trigger");
  if (row && row !== current()) select(row, false);
});
document.addEventListener("click", (event) => {
  const row = event.target.closest("#panel .trigger");
  if (row && row !== current()) select(row, !event.target.closest("a, button, summary, input, textarea, select, label"));
  const link = event.target.closest("a.from");
  const origin = link?.closest(".body").querySelector(".origin");
  if (origin?.childElementCount) { // a second click folds it away
    origin.replaceChildren();
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);
document.addEventListener("toggle", (event) => {
  if (event.target.matches?.("details.fold")) begin(event.target);
}, true);
document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.dataset.draft) drafts.keep(field);
  else if (field.matches("input[type=radio]")) drafts.keepPicks();
});

// ---- sending

const isEdit = (event) => event.detail.requestConfig.verb === "post";

document.addEventListener("htmx:configRequest", (event) => {
  const button = event.detail.triggeringEvent?.submitter; // htmx overlooks one that stands outside its form
  if (button?.name) event.detail.parameters[button.name] = button.value;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isEdit(event)) return;
  if (unsent) return event.preventDefault(); // one step at a time: the last one is still to be sent
  const dirty = drafts.fields().find((field) => field.name === "text" && drafts.changed(field));
  if (event.detail.elt.matches(".finish") && dirty) {
    event.preventDefault();
    document.getElementById("unsaved").hidden = false;
    if (dirty.closest(".trigger")) select(dirty.closest(".trigger"), false);
    dirty.closest("details").open = true;
    dirty.focus();
    return;
  }
  busy = true;
  const { elt, requestConfig } = event.detail;
  if (elt.matches("form")) step = drafts.begin(elt, requestConfig.path, { ...requestConfig.parameters }, selected);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  if (isEdit(event) && event.detail.xhr.status < 300) drafts.settle(step);
});

document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, successful } = event.detail;
  if (isEdit(event) && xhr.status && xhr.status !== 403) drafts.answered(step);
  if (isEdit(event) && xhr.getResponseHeader("HX-Redirect")) {
    leaving = true;
    drafts.settle(step);
  }
  if (successful && !unsent) offline.hidden = true;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const panel = document.getElementById("panel");
  if (!busy || event.detail.target?.closest?.(".origin")) return;
  again(step.values.do, panel.dataset.last);
  const typed = restore();
  if (typed) {
    if (typed.closest(".trigger")) select(typed.closest(".trigger"), false);
    typed.focus();
  }
  setTimeout(() => goOn(Boolean(typed))); // once htmx is done with the request
});

function restore() {
  drafts.restorePicks();
  return drafts.restoreTexts();
}

function goOn(typed) {
  busy = false;
  if (typed) waiting.length = 0; // they were meant for triggers
  while (waiting.length && !busy && !leaving) {
    const field = document.activeElement;
    if (typing(field)) write(field, waiting.shift());
    else press(waiting.shift());
  }
}

// A key that was typed before the field was there.
function write(field, key) {
  if (key === "Enter" || key === "Escape") return inField({ target: field, key, preventDefault() {} });
  if (key.length > 1 || !field.setRangeText) return;
  field.setRangeText(key, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

// ---- the server does not answer: say so, keep everything, and go on when it is back

const offline = document.getElementById("offline");

function lost(event) {
  if (!isEdit(event)) return say("The server does not answer. Try again in a moment.");
  unsent = true;
  say("The server does not answer. What you did last and what you typed are kept; this page sends it as soon as the server is back.");
  setTimeout(probe, 700);
}

function say(words) {
  if (!offline) return;
  offline.textContent = words;
  offline.hidden = false;
}

async function probe() {
  try {
    const reply = await fetch("/alive", { cache: "no-store" });
    if (reply.status === 403) say("The server is back, but does not know you: open your link again in another tab. What you typed is kept.");
    if (!reply.ok) throw new Error(reply.statusText);
  } catch {
    setTimeout(probe, 700);
    return;
  }
  unsent = false;
  offline.hidden = true;
  send();
}

// Once more, the same under the same id; not from its form, which may be another's by now.
function send() {
  selected = step.selected;
  htmx.ajax("POST", step.path, { target: "#panel", select: "#panel", swap: "outerHTML", values: step.values });
}

document.addEventListener("htmx:sendError", lost);
document.addEventListener("htmx:timeout", lost);
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  busy = false;
  if (xhr.status >= 500) say("The server met a fault of its own; what you typed is kept. Reload the page; if it happens again, look at the server's terminal.");
  else say(xhr.status === 403 ? "The server does not know you any more: open your link again. What you typed is kept." : xhr.responseText.slice(0, 300));
});

window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const typed = restore();
if (rows().length) select(typed?.closest(".trigger") ?? rows()[0], false);
if (typed) typed.focus();
document.addEventListener("DOMContentLoaded", () => { // by then htmx knows its settings
  step = drafts.leftBehind();
  if (step) send();
});
