// What outlives the page, a closed tab and a killed server: texts that are not saved, an adjudicator's picks, and the
// step that is on its way. Kept in the browser by review, person and item.
const item = document.querySelector("[data-item]")?.dataset.item;
const place = `whyfeel/${document.body.dataset.drafts}/${item}/`;
const PICKS = "picks", STEP = `step:${location.pathname}`;

const store = {
  get(name) { try { return localStorage.getItem(place + name); } catch { return null; } },
  set(name, value) { try { localStorage.setItem(place + name, value); } catch { /* a full or forbidden store */ } },
  drop(name) { try { localStorage.removeItem(place + name); } catch { /* as above */ } },
};

function read(name) {
  try { return JSON.parse(store.get(name)); } catch { return null; }
}

// ---- texts

export const fields = (root = document) => [...root.querySelectorAll("[data-draft]")];
export const saved = (field) => field.dataset.saved ?? "";
const flat = (text) => text.split(/\s+/).filter(Boolean).join(" ");
export const changed = (field) => flat(field.value) !== flat(saved(field));

export function keep(field) {
  if (changed(field)) store.set(field.dataset.draft, field.value);
  else store.drop(field.dataset.draft);
}

export function giveUp(field) {
  field.value = saved(field);
  if (field.dataset.draft) store.drop(field.dataset.draft);
}

// The first field that is not as it was saved, with what it stands in unfolded.
export function restoreTexts() {
  let found = null;
  for (const field of fields()) {
    const kept = store.get(field.dataset.draft);
    if (kept !== null) field.value = kept;
    if (!changed(field)) continue;
    for (let box = field.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
    if (!field.form?.matches(".sides")) found ??= field; // there keys are for picking
  }
  return found;
}

// ---- picks, with what the item was like

const sides = () => document.querySelector("form.sides");

export function keepPicks() {
  const form = sides();
  const picks = Object.fromEntries([...form.querySelectorAll(":checked")].map((one) => [one.name, one.value]));
  store.set(PICKS, JSON.stringify({ seen: form.elements.seen.value, picks }));
}

export function restorePicks() {
  const form = sides(), kept = form && read(PICKS);
  if (!kept) return;
  const buttons = [...form.querySelectorAll("input[type=radio]")];
  const fits = ([name, value]) => {
    const button = buttons.find((one) => one.name === name && one.value === value);
    if (button) button.checked = true;
    return button;
  };
  const picks = Object.entries(kept.picks);
  const lost = picks.length - picks.filter(fits).length;
  const told = document.getElementById("changed");
  if (kept.seen === form.elements.seen.value || !told.hidden) return;
  const open = lost === 1 ? "one of your picks no longer fits and is open again" : `${lost} of your picks no longer fit and are open again`;
  told.textContent = `A reviewer has changed this item since you picked: ${lost ? open : "your picks still fit, but look at it once more"}.`;
  told.hidden = false;
}

// ---- the step on its way: its id makes it count once, however often it is sent

export function begin(form, path, values, selected) {
  const texts = fields().filter((one) => one.form === form && changed(one)).map((one) => one.dataset.draft);
  const names = form.matches(".sides") ? [...texts, PICKS] : texts;
  const step = { path, values, selected, drafts: names.map((name) => [name, store.get(name)]) };
  store.set(STEP, JSON.stringify(step));
  return step;
}

// The step that was on its way when the page was left, with the seal of this one.
export function leftBehind() {
  const step = read(STEP);
  const seal = document.querySelector("input[name=seal]")?.value;
  return step && seal ? { ...step, values: { ...step.values, seal } } : null;
}

export function answered(step) {
  if (read(STEP)?.values.edit === step.values.edit) store.drop(STEP);
}

// What was saved is no draft any more, unless it was changed since it was sent.
export function settle(step) {
  for (const [name, value] of step.drafts) if (store.get(name) === value) store.drop(name);
}
