// Keys, drafts, and what happens when the server does not answer. Without this file every form still works.
"use strict";
(() => {
  const MOVES = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
  const RETURNS = ["add", "undo", "restore"];
  const item = document.querySelector("[data-item]")?.dataset.item;
  const waiting = []; // keys typed while an edit is on its way
  let busy = false, leaving = false, unsent = null, did = "";
  let selected = { id: null, index: 0, aside: false };
  document.documentElement.classList.add("js");

  // ---- drafts: what was typed and is not saved yet outlives the page

  const nameOf = (field) => `whyfeel/${document.body.dataset.drafts}/${item}/${field.dataset.draft}`;
  const drafts = {
    get(field) { try { return localStorage.getItem(nameOf(field)); } catch { return null; } },
    set(field) { try { localStorage.setItem(nameOf(field), field.value); } catch { /* a full or forbidden store */ } },
    drop(field) { try { localStorage.removeItem(nameOf(field)); } catch { /* as above */ } },
  };
  const fields = (root = document) => [...root.querySelectorAll("[data-draft]")];
  const flat = (text) => text.split(/\s+/).filter(Boolean).join(" ");
  const saved = (field) => field.dataset.saved ?? "";
  const changed = (field) => flat(field.value) !== flat(saved(field));

  function restore() {
    let found = null;
    for (const field of fields()) {
      const kept = drafts.get(field);
      if (kept !== null) field.value = kept;
      if (!changed(field)) continue;
      for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
      found ??= field;
    }
    return found;
  }

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
      for (const one of box ? fields(box) : [field]) {
        one.value = saved(one);
        if (one.dataset.draft) drafts.drop(one);
      }
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
    if (field.dataset.draft) (changed(field) ? drafts.set : drafts.drop)(field);
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
    const dirty = fields().find((field) => field.name === "text" && changed(field));
    if (event.detail.elt.matches(".finish") && dirty) {
      event.preventDefault();
      document.getElementById("unsaved").hidden = false;
      if (dirty.closest(".trigger")) select(dirty.closest(".trigger"), false);
      dirty.closest("details").open = true;
      dirty.focus();
      return;
    }
    busy = true;
    did = event.detail.requestConfig.parameters.do;
  });

  // What was saved is no draft any more, unless it was changed since it was sent.
  function clear({ elt, parameters }) {
    for (const field of fields().filter((one) => one.form === elt)) {
      if (drafts.get(field) === parameters[field.name]) drafts.drop(field);
    }
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isEdit(event) && event.detail.xhr.status < 300) clear(event.detail.requestConfig);
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (isEdit(event) && event.detail.xhr.getResponseHeader("HX-Redirect")) {
      leaving = true;
      clear(event.detail.requestConfig);
    }
    if (event.detail.successful && !unsent) offline.hidden = true;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const panel = document.getElementById("panel");
    if (!busy || event.detail.target?.closest?.(".origin")) return;
    again(did, panel.dataset.last);
    const typed = restore();
    if (typed) {
      if (typed.closest(".trigger")) select(typed.closest(".trigger"), false);
      typed.focus();
    }
    setTimeout(() => goOn(Boolean(typed))); // once htmx is done with the request
  });

  function goOn(typing) {
    busy = false;
    if (typing) waiting.length = 0; // they were meant for triggers
    while (waiting.length && !busy && !leaving) press(waiting.shift());
  }

  // ---- the server does not answer: say so, keep everything, and go on when it is back

  const offline = document.getElementById("offline");

  function lost(event) {
    if (!isEdit(event)) return say("The server does not answer. Try again in a moment.");
    unsent = event.detail.requestConfig;
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
    const { path, parameters, elt } = unsent; // the same edit, under the same id: it counts once
    unsent = null;
    offline.hidden = true;
    htmx.ajax("POST", path, { source: elt, target: "#panel", swap: "outerHTML", values: { ...parameters } });
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
})();
