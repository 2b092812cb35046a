// A long table, some rows at a time: [data-paged="100"] holds the table and a form that is hidden without script.
// The state: q, the words that a row must hold, and p, the place of the first row that is shown, from 1.
"use strict";
whyfeel.behave("[data-paged]", (box, page) => {
  const size = Number(box.dataset.paged);
  const rows = [...box.querySelector("tbody").rows];
  const part = (name) => box.querySelector(`[data-paged-${name}]`);
  const [form, words, before, next, told] = ["form", "words", "before", "next", "told"].map(part);
  const count = (n) => n.toLocaleString("en");
  let texts = null, found = rows, first = 0;

  function show() {
    const state = page.state();
    const wanted = (state.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length) texts ??= rows.map((row) => row.textContent.toLowerCase());
    found = wanted.length ? rows.filter((_, place) => wanted.every((word) => texts[place].includes(word))) : rows;
    const asked = Math.floor((Number(state.get("p")) - 1) / size) * size;
    first = asked > 0 && asked < found.length ? asked : 0;
    const shown = new Set(found.slice(first, first + size));
    for (const row of rows) row.hidden = !shown.has(row);
    before.disabled = first === 0;
    next.disabled = first + size >= found.length;
    told.textContent = found.length
      ? `${count(first + 1)} to ${count(first + shown.size)} of ${count(found.length)}`
      : "no sample has all these words";
    if (document.activeElement !== words) words.value = state.get("q") ?? "";
  }

  form.hidden = false;
  words.addEventListener("input", () => page.go({ q: words.value.trim() || null, p: null }, { replace: true }));
  before.addEventListener("click", () => page.go({ p: first - size > 0 ? String(first - size + 1) : null }));
  next.addEventListener("click", () => page.go({ p: String(first + size + 1) }));
  page.watch(show);
  show();
});
