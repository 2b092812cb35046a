// What every page does, and what its own scripts stand on. Without script all is there, one below the other.
//
//   whyfeel.behave(selector, (element, page) => …)  for each such element of a page, once the page is shown
//   whyfeel.data(name, value)                       what a file data/NAME.js calls
//   whyfeel.load(name)                              a promise of that value
//   whyfeel.src(address)                            of a file of the site; null where this one does not hold it
//   whyfeel.link(address, {s: "…"})                 to a page, or to a state of one
//   page.state()                                    URLSearchParams: the state in the hash
//   page.go({s: "…"}, {replace: true})              to another state, null takes a name out; without replace, back undoes it
//   page.watch(() => …)                             called when the state became another one
"use strict";
(() => {
  const root = document.documentElement.dataset.root;
  const single = root === undefined; // all pages in one file, as sections
  const behaviours = [], values = new Map(), waiting = new Map(), shown = new Map();

  // ---- data

  function data(name, value) {
    values.set(name, value);
    waiting.get(name)?.resolve(value);
    waiting.delete(name);
  }

  function load(name) {
    if (values.has(name)) return Promise.resolve(values.get(name));
    if (single) {
      const found = document.querySelector(`script[data-name="${CSS.escape(name)}"]`);
      if (!found) return Promise.reject(new Error(`this file holds no ${name}`));
      data(name, JSON.parse(found.textContent));
      return Promise.resolve(values.get(name));
    }
    if (!waiting.has(name)) {
      const one = {};
      one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
      waiting.set(name, one);
      const script = document.createElement("script");
      script.src = `${root}data/${name}.js`;
      script.onerror = () => { waiting.delete(name); one.reject(new Error(`${script.src} cannot be read`)); };
      document.head.append(script);
    }
    return waiting.get(name).promise;
  }

  function src(address) {
    if (!single) return root + address;
    const found = document.querySelector(`script[data-file="${CSS.escape(address)}"]`);
    return found ? found.textContent : null;
  }

  // ---- pages and the states of one

  const own = () => document.body.dataset.address;
  const hash = () => location.hash.slice(1);
  const cut = (text) => { const at = text.indexOf("?"); return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]; };
  const sections = () => [...document.querySelectorAll("main > section[data-address]")];
  const section = (address) => sections().find((one) => one.dataset.address === address);
  const current = () => (single ? (section(decode(cut(hash())[0])) ?? sections()[0]).dataset.address : own());

  function decode(text) {
    try { return decodeURIComponent(text); } catch { return text; }
  }

  function link(address, state = {}) {
    const query = new URLSearchParams(Object.entries(state).filter(([, value]) => value !== null)).toString();
    if (single) return `#${address}${query ? `?${query}` : ""}`;
    return `${root}${address}.html${query ? `#${query}` : ""}`;
  }

  class Page {
    constructor(address) {
      this.address = address;
      this.watchers = [];
    }

    state() {
      if (!single) return new URLSearchParams(hash());
      const [address, query] = cut(hash());
      return new URLSearchParams(decode(address) === this.address ? query : "");
    }

    go(changes, { replace = false } = {}) {
      const state = this.state();
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === "") state.delete(name);
        else state.set(name, value);
      }
      const query = state.toString();
      const there = single ? `#${this.address}${query ? `?${query}` : ""}` : `#${query}`;
      if (there === location.hash || (there === "#" && !location.hash)) return;
      history[replace ? "replaceState" : "pushState"](null, "", there);
      this.changed();
    }

    watch(told) {
      this.watchers.push(told);
    }

    changed() {
      this.watchers.forEach((told) => told());
    }
  }

  function show() {
    const address = current();
    for (const one of sections()) one.hidden = one.dataset.address !== address;
    document.querySelectorAll(".top nav a").forEach((one) => {
      if (!single) return;
      if (decode(one.getAttribute("href").slice(1)) === address) one.setAttribute("aria-current", "page");
      else one.removeAttribute("aria-current");
    });
    const place = single ? section(address) : document.getElementById("main");
    if (single) document.title = place.dataset.title;
    if (!shown.has(address)) {
      const page = new Page(address);
      shown.set(address, page);
      for (const [selector, bind] of behaviours) place.querySelectorAll(selector).forEach((one) => bind(one, page));
    } else {
      shown.get(address).changed();
    }
  }

  function behave(selector, bind) {
    behaviours.push([selector, bind]);
  }

  window.whyfeel = { behave, data, load, src, link };

  // ---- one of several views: a select in place of all of them one below the other

  behave("[data-views]", (box, page) => {
    const views = [...box.querySelectorAll("[data-view]")];
    const key = box.dataset.views;
    const selects = [...box.querySelectorAll("[data-choose]")];
    const form = box.querySelector("[data-switch]");
    const part = (view, name) => view.getAttribute(`data-${name}`);
    const parts = selects.map((one) => one.dataset.choose);
    const find = (wanted) => views.find((view) => parts.every((name) => part(view, name) === wanted[name]));

    function choose(view) {
      for (const one of views) one.hidden = one !== view;
      for (const one of selects) {
        const name = one.dataset.choose, before = parts.slice(0, parts.indexOf(name));
        for (const option of one.options) { // what the earlier choices leave
          option.hidden = !views.some((other) =>
            part(other, name) === option.value && before.every((earlier) => part(other, earlier) === part(view, earlier)));
          option.disabled = option.hidden;
        }
        one.value = part(view, name);
      }
    }

    const named = () => views.find((view) => view.dataset.view === page.state().get(key)) ?? views[0];
    form.hidden = views.length < 2;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => {
      const wanted = Object.fromEntries(selects.map((one) => [one.dataset.choose, one.value]));
      const view = find(wanted) ?? views.find((one) => part(one, event.target.dataset.choose) === event.target.value);
      page.go({ [key]: view === views[0] ? null : view.dataset.view }, { replace: true });
      choose(view);
    });
    page.watch(() => choose(named()));
    choose(named());
  });

  // ---- tables: sorted by their heads, filtered by a field

  const words = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  function told(row, column) {
    const cell = row.cells[column];
    const value = cell?.dataset.value;
    return value === undefined ? (cell?.textContent.trim() ?? "") : value === "" ? null : Number(value);
  }

  function sort(table, column, down) {
    for (const body of table.tBodies) {
      const rows = [...body.rows].map((row) => [told(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null); // what is not known is last either way
        const order = typeof a === "number" && typeof b === "number" ? a - b : words.compare(String(a), String(b));
        return down ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    }
  }

  behave("table[data-sort]", (table) => {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, column) => {
      if (head.dataset.unsorted !== undefined) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const first = head.classList.contains("n") ? "descending" : "ascending";
        const now = head.getAttribute("aria-sort");
        const next = now === null ? first : now === "ascending" ? "descending" : "ascending";
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", next);
        sort(table, column, next === "descending");
      });
    });
  });

  // <input data-filter="#ID of a box">: rows of its tables that do not hold all the words are hidden
  behave("input[data-filter]", (field) => {
    const box = document.querySelector(field.dataset.filter);
    const status = field.closest("[data-filters]").querySelector("[role=status]");
    field.closest("[data-filters]").hidden = false;
    let texts = null;
    field.addEventListener("input", () => {
      texts ??= [...box.querySelectorAll("tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
      const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const [row, text] of texts) row.classList.toggle("filtered", !wanted.every((word) => text.includes(word)));
      const left = texts.filter(([row]) => !row.classList.contains("filtered") && row.offsetParent !== null).length;
      status.textContent = wanted.length ? `${left} ${left === 1 ? "row" : "rows"} left` : "";
    });
  });

  // <input type="checkbox" data-hides="#ID of a box" data-what="claimed">: unticked, what is so marked is hidden
  behave("input[data-hides]", (box) => {
    const place = document.querySelector(box.dataset.hides);
    box.closest("label").hidden = false;
    const apply = () => place.querySelectorAll(`[data-kind="${box.dataset.what}"]`).forEach((one) => { one.hidden = !box.checked; });
    box.addEventListener("change", apply);
    apply();
  });

  // ---- a table that is wider than its box can be scrolled by key

  function scrollable() {
    for (const box of document.querySelectorAll(".scroll")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  // ---- menus close when one goes elsewhere

  function menus() {
    const close = (but) => document.querySelectorAll(".top details[open]").forEach((one) => { if (one !== but) one.open = false; });
    document.addEventListener("click", (event) => close(event.target.closest(".top summary") && event.target.closest("details")));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      document.querySelector(".top details[open] > summary")?.focus();
      close(null);
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("js");
    menus();
    document.querySelector(".skip").addEventListener("click", (event) => {
      event.preventDefault(); // the hash is the state
      document.getElementById("main").focus();
    });
    show();
    scrollable();
    window.addEventListener("resize", scrollable);
    window.addEventListener("hashchange", () => {
      show();
      scrollable();
      if (single) window.scrollTo(0, 0);
    });
  });
})();
