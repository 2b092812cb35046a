// The sample explorer. All of its state is in the hash: s the sample, a and b the runs, j the judge,
// f the filters (q, e, o, lo, hi, d, g, h, by; themselves a query). Texts only ever become text nodes.
"use strict";
(() => {
  const ROW = 52; // pixels, as in explore.css
  const MOST_SHOWN = 20_000; // characters of an answer before it is unfolded
  const APART = 200; // thousandths
  const MARKS = { f: "✓", c: "✗", u: "?" };
  const KINDS = { found: ["f", "✓ found"], contradicted: ["c", "✗ contradicted"], absent: ["n", "○ not named"] };
  const OUTCOMES = { ok: ".", empty: "e", refused: "r", truncated: "t", none: "u" };
  const OUTCOME_WORDS = { empty: "empty", refused: "refused", truncated: "cut off" };
  const LABELS = { kf1: "kF1", f1: "F1" };

  // ---- elements

  function make(name, given = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(given)) {
      if (value === null || value === undefined || value === false) continue;
      if (key === "class") node.className = value;
      else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat(9).filter((one) => one !== null && one !== undefined && one !== false));
    return node;
  }

  const said = (text, given = {}) => make("span", { dir: "auto", ...given, class: `said ${given.class ?? ""}` }, text);
  const chip = (text, kind = "") => make("span", { class: `chip ${kind}` }, text);
  const badge = (kind, more = "") => make("span", { class: `badge ${KINDS[kind][0]}` }, KINDS[kind][1] + more);
  const label = (score) => LABELS[score] ?? score.replaceAll("_", " ");
  const score = (thousandths) => (thousandths === null || thousandths === undefined ? "n/a" : (thousandths / 1000).toFixed(3));
  const count = (n) => n.toLocaleString("en");
  const votes = (n) => `${count(n)} ${n === 1 ? "vote" : "votes"}`;
  const listed = (pairs) => make("dl", { class: "figures" }, pairs.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, said(String(value))))));
  const fold = (title, ...children) => make("details", { class: "fold" }, make("summary", {}, title), children);

  // ---- what is listed: filters over the arrays of the index

  class Samples {
    constructor(index) {
      this.index = index;
      this.places = new Map(index.ids.map((id, place) => [id, place]));
      this.rated = new Map(index.runs.map((run) => [run, new Set(run.rated)]));
      this.flagged = new Map(Object.entries(index.flags).map(([flag, places]) => [flag, new Set(places)]));
      this.texts = null;
      this.none = index.ids.map(() => null);
    }

    run(slug) {
      return this.index.runs.find((run) => run.slug === slug);
    }

    judge(run, id) {
      return run.judges.find((one) => one.id === id) ?? run.judges[0];
    }

    // the scores that a judge gave, and no other judge's in their place
    values(run, id) {
      return run.judges.find((one) => one.id === id)?.values ?? this.none;
    }

    // what is searched, in lower case, once it is there
    read(words) {
      this.texts = this.index.ids.map((id, place) =>
        [id, words.questions[place], ...words.answers.map((run) => run[place])].join("\n").toLowerCase());
    }

    find(view) {
      const { index } = this, { filters } = view;
      const own = this.values(view.a, view.j), other = view.b ? this.values(view.b, view.j) : null;
      const tests = [];
      const number = (name) => (filters.get(name) ? Math.round(Number(filters.get(name)) * 1000) : NaN);
      const low = number("lo"), high = number("hi");
      if (!Number.isNaN(low)) tests.push((at) => own[at] !== null && own[at] >= low);
      if (!Number.isNaN(high)) tests.push((at) => own[at] !== null && own[at] <= high);
      const emotion = index.emotions.indexOf(filters.get("e"));
      if (filters.get("e")) tests.push((at) => index.emotion[at] === emotion);
      const outcome = filters.get("o");
      if (outcome === "unscored") tests.push((at) => own[at] === null && view.a.outcomes[at] !== "-");
      else if (outcome) tests.push((at) => view.a.outcomes[at] === OUTCOMES[outcome]);
      const flag = filters.get("g");
      if (flag) tests.push((at) => this.flagged.get(flag)?.has(at) ?? false);
      if (filters.get("h")) tests.push((at) => [view.a, view.b].some((run) => run && this.rated.get(run).has(at)));
      tests.push(...this.differences(view, own, other));
      const wanted = this.texts ? (filters.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean) : [];
      if (wanted.length) tests.push((at) => wanted.every((word) => this.texts[at].includes(word)));
      const found = [];
      for (let at = 0; at < index.ids.length; at++) if (tests.every((test) => test(at))) found.push(at);
      return this.ordered(found, filters.get("by"), own, other);
    }

    differences(view, own, other) {
      const which = view.filters.get("d");
      const both = (at) => own[at] !== null && other[at] !== null;
      if (which === "a") return [(at) => both(at) && own[at] > other[at]];
      if (which === "b") return [(at) => both(at) && own[at] < other[at]];
      if (which !== "j") return [];
      const all = view.a.judges.map((one) => one.values);
      return [(at) => {
        const known = all.map((values) => values[at]).filter((value) => value !== null);
        return known.length > 1 && Math.max(...known) - Math.min(...known) >= APART;
      }];
    }

    ordered(found, by, own, other) {
      const keys = {
        up: (at) => own[at],
        down: (at) => (own[at] === null ? null : -own[at]),
        apart: (at) => (own[at] === null || other[at] === null ? null : -Math.abs(own[at] - other[at])),
      };
      const key = keys[by];
      if (!key) return found;
      const rank = (at) => key(at) ?? Infinity; // what is not known comes last
      return found.sort((one, two) => { const [x, y] = [rank(one), rank(two)]; return x === y ? one - two : x - y; });
    }
  }

  // ---- a list of which only what can be seen is made

  class List {
    constructor(box, row, chosen) {
      this.box = box;
      this.row = row;
      this.items = [];
      this.current = -1;
      this.inner = make("div", { class: "rows", role: "presentation" });
      box.append(this.inner);
      box.addEventListener("scroll", () => this.draw(), { passive: true });
      new ResizeObserver(() => this.draw()).observe(box);
      box.addEventListener("click", (event) => {
        const row = event.target.closest("[data-place]");
        if (row) chosen(Number(row.dataset.place));
      });
      box.addEventListener("keydown", (event) => {
        const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
        if (by === undefined || event.ctrlKey || event.altKey || event.metaKey || !this.items.length) return;
        event.preventDefault();
        const at = Math.min(Math.max(this.items.indexOf(this.current) + by, 0), this.items.length - 1);
        chosen(this.items[at]);
      });
    }

    show(items, current) {
      const moved = current !== this.current || items !== this.items;
      this.items = items;
      this.current = current;
      this.inner.style.height = `${items.length * ROW}px`;
      const at = items.indexOf(current);
      if (moved && at >= 0) {
        const top = at * ROW;
        if (top < this.box.scrollTop) this.box.scrollTop = top;
        else if (top + ROW > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + ROW - this.box.clientHeight;
      }
      this.draw();
    }

    draw() {
      const first = Math.max(Math.floor(this.box.scrollTop / ROW) - 4, 0);
      const last = Math.min(first + Math.ceil(this.box.clientHeight / ROW) + 8, this.items.length);
      const rows = [];
      for (let at = first; at < last; at++) {
        const place = this.items[at], chosen = place === this.current;
        const row = make("div", {
          class: "row", role: "option", id: `${this.box.id}-${place}`, "data-place": String(place),
          "aria-selected": String(chosen), "aria-posinset": String(at + 1), "aria-setsize": String(this.items.length),
        }, this.row(place));
        row.style.top = `${at * ROW}px`;
        rows.push(row);
      }
      this.inner.replaceChildren(...rows);
      const active = this.items.slice(first, last).includes(this.current);
      if (active) this.box.setAttribute("aria-activedescendant", `${this.box.id}-${this.current}`);
      else this.box.removeAttribute("aria-activedescendant");
    }
  }

  // ---- one sample

  function marked(text, spans, numberOf) {
    const nodes = [];
    let at = 0;
    for (const [start, end, kind, triggers] of spans) {
      if (start > at) nodes.push(text.slice(at, start));
      const names = triggers.map(numberOf).join(", ");
      const words = { f: `names trigger ${names}`, c: `contradicts trigger ${names}`, u: "no trigger supports this" }[kind];
      nodes.push(make("mark", { class: kind, tabindex: "0", "data-triggers": triggers.join(" "), title: words },
        text.slice(start, end), make("sup", {}, make("span", { "aria-hidden": "true" }, MARKS[kind] + (kind === "u" ? "" : names)), make("span", { class: "hidden" }, ` (${words})`))));
      at = end;
    }
    nodes.push(text.slice(at));
    return nodes;
  }

  function answer(told, judged, numberOf) {
    if (told.unscored) return make("p", { class: "notice warn" }, "No answer: ", said(told.unscored.join(": ")));
    if (!told.text.trim()) return make("p", { class: "notice" }, "The answer is empty.");
    const box = make("div", { class: "answer said", dir: "auto" });
    const spans = judged.spans ?? [];
    const short = spans.filter(([, end]) => end <= MOST_SHOWN);
    const fill = (whole) => box.replaceChildren(...marked(whole ? told.text : told.text.slice(0, MOST_SHOWN), whole ? spans : short, numberOf));
    if (told.text.length <= MOST_SHOWN) {
      fill(true);
      return box;
    }
    fill(false);
    const more = make("button", { type: "button", class: "button", onclick: () => { fill(true); more.remove(); } },
      `Show the other ${count(told.text.length - MOST_SHOWN)} characters`);
    return [box, more];
  }

  function reasons(judged) {
    const row = ([kind, words, reason, remarks]) => make("li", {},
      make("p", {}, badge(kind), " ", words && make("q", {}, said(words))),
      reason && make("p", { class: "meta" }, said(reason)),
      remarks.map((one) => make("p", { class: "meta" }, said(one))));
    const claims = judged.claims ?? [];
    const member = (one) => make("li", {},
      make("p", {}, said(one.model), one.unscored && [": unscored, ", said(one.unscored)]),
      one.verdicts && make("p", { class: "meta" }, one.verdicts.map(([kind], at) => `${at + 1} ${KINDS[kind][1]}`).join(" · ")),
      one.orders && orders(one.orders));
    return [
      judged.unscored && make("p", { class: "notice warn" }, "Not scored: ", said(judged.unscored.filter(Boolean).join(": "))),
      claims.length > 0 && fold(`Unsupported claims: ${claims.length}`, make("ul", { class: "plain" }, claims.map(([words, reason, seen]) =>
        make("li", {}, make("q", {}, said(words)), seen && [" ", chip(`seen in the picture: ${seen}`)], reason && make("p", { class: "meta" }, said(reason)))))),
      judged.verdicts && fold("Verdict on each trigger", make("ol", { class: "verdicts" }, judged.verdicts.map(row))),
      judged.members && fold(`Members of the panel: ${judged.members.length}`, make("ul", { class: "plain" }, judged.members.map(member))),
      judged.orders && [make("p", { class: "meta" }, "Compared with ", said(judged.against ?? "another answer"), ", in both orders."), orders(judged.orders)],
      judged.log && fold("The judge's own words", make("pre", { dir: "auto", tabindex: "0" }, judged.log)),
    ];
  }

  const orders = (all) => make("ul", { class: "plain" }, all.map(([first, verdict, reason]) =>
    make("li", {}, `${first === "answer" ? "This answer" : "The other"} shown first: `, make("b", {}, verdict), reason && make("p", { class: "meta" }, said(reason)))));

  // what people said of this answer, by study: counts alone
  function people(all, studies) {
    const compared = ([other, own, others, good, bad]) => [
      `${votes(own + others + good + bad)}: ${count(own)} for this answer, ${count(others)} for `, said(other), `, both good ${count(good)}, both bad ${count(bad)}.`];
    const rated = ([mean, each], points) => [
      `${votes(each.reduce((sum, n) => sum + n, 0))}, mean ${mean} on ${points[0]} to ${points.at(-1)}: `,
      each.map((n, at) => n && `${count(n)} gave ${points[at]}`).filter(Boolean).join(", "), "."];
    const one = ([place, told]) => {
      const study = studies[place];
      return make("li", {}, make("p", {}, study.points ? rated(told, study.points) : compared(told)),
        make("p", { class: "meta" }, "Asked: ", said(study.question), " ", make("a", { href: whyfeel.link(study.address) }, said(study.title))));
    };
    return all.length > 0 && make("section", { class: "people" }, make("h4", {}, "What people said"), make("ul", { class: "plain" }, all.map(one)));
  }

  function asks(title, numbers, all) {
    const one = (ask) => {
      if (ask.key) return make("li", {}, make("p", { class: "meta" }, "An ask that is not in the ledger: ", make("code", {}, ask.key)));
      return make("li", {}, make("details", { class: "fold" },
        make("summary", {}, make("b", {}, said(ask.role)), " ", said(ask.model), make("span", { class: "facts meta" }, (ask.facts ?? []).map(([name, value]) => `${name} ${value}`).join(" · "))),
        make("h4", {}, "Asked"), make("pre", { dir: "auto", tabindex: "0" }, ask.asked),
        ask.reasoning && [make("h4", {}, "Thought aloud"), make("pre", { dir: "auto", tabindex: "0" }, ask.reasoning)],
        make("h4", {}, "Answered"), make("pre", { dir: "auto", tabindex: "0" }, ask.text ?? "")));
    };
    return numbers.length > 0 && make("li", {}, make("p", {}, title), make("ul", {}, numbers.map((number) => one(all[number]))));
  }

  class Pane {
    constructor(box, dialog, samples) {
      this.box = box;
      this.dialog = dialog;
      this.samples = samples;
      box.addEventListener("mouseover", (event) => this.light(event.target));
      box.addEventListener("mouseleave", () => this.light(document.activeElement));
      box.addEventListener("focusin", (event) => this.light(event.target));
      dialog.addEventListener("click", () => dialog.close());
    }

    // a trigger lights the words that name it, and the other way round
    light(node) {
      const from = this.box.contains(node) ? node.closest("[data-triggers]") : null;
      const wanted = new Set(from?.dataset.triggers.split(" ").filter(Boolean));
      for (const one of this.box.querySelectorAll("[data-triggers]")) {
        one.classList.toggle("lit", one === from || one.dataset.triggers.split(" ").some((trigger) => wanted.has(trigger)));
      }
    }

    show(place, sample, view, buttons) {
      const { index } = this.samples;
      const sides = [view.a, view.b].filter(Boolean).map((run) => this.side(run, sample, view));
      const own = sides.filter((side) => side.told);
      this.box.replaceChildren(...[
        make("header", { class: "head" }, make("h2", {}, said(index.ids[place])), buttons),
        make("div", { class: "shown" },
          make("div", { class: "given" }, this.pictures(sample), this.question(sample, place)),
          make("div", { class: "told" }, this.triggers(sample, own),
            sides.some((side) => side.judged?.spans?.length) && make("p", { class: "legend meta" }, make("span", {}, "✓ names the trigger of that number"), make("span", {}, "✗ contradicts it"), make("span", {}, "? no trigger supports it")),
            make("div", { class: `sides of${sides.length}` }, sides.map((side) => side.node)))),
      ]);
    }

    pictures(sample) {
      const pictures = sample.pictures ?? [];
      return pictures.map((one, at) => {
        const name = pictures.length > 1 ? `Picture ${at + 1}` : "Picture";
        if (one.why) return make("p", { class: "notice" }, `${name}: `, said(one.why));
        const thumb = whyfeel.src(one.thumb), full = whyfeel.src(one.full) ?? thumb;
        if (thumb === null) return make("p", { class: "notice" }, `${name}: this file does not hold it.`);
        const image = make("img", { src: thumb, alt: `${name} of this sample`, width: String(one.width), height: String(one.height) });
        image.addEventListener("error", () => button.replaceWith(make("p", { class: "notice" }, `${name}: the file ${one.thumb} is missing.`)));
        const button = make("button", { type: "button", class: "picture", "aria-label": `${name}: show it larger`, onclick: () => this.enlarge(full, name) }, image);
        return button;
      });
    }

    enlarge(source, name) {
      const close = make("button", { type: "button", class: "button" }, "Close");
      const image = make("img", { src: source, alt: `${name} of this sample` });
      image.addEventListener("error", () => image.replaceWith(make("p", {}, "The file is missing.")));
      this.dialog.replaceChildren(image, close);
      this.dialog.showModal();
      close.focus();
    }

    question(sample, place) {
      const { index } = this.samples;
      const more = [["Caption", sample.caption], ["Person", sample.person], ["Asked as", sample.word], ["Note to judges", sample.rubric]].filter(([, text]) => text);
      return [
        make("p", { class: "question" }, said(sample.question ?? "")),
        make("p", { class: "chips" }, chip(index.emotions[index.emotion[place]], "feeling"), sample.flags.map((flag) => chip(flag, "warn"))),
        more.length > 0 && listed(more),
        sample.article && fold("The text that goes with it", make("p", {}, said(sample.article))),
      ];
    }

    triggers(sample, sides) {
      return make("section", { class: "gold" }, make("h3", {}, "Annotated triggers"),
        sample.triggers.length === 0 && make("p", { class: "meta" }, "None."),
        make("ol", {}, sample.triggers.map(([text, weight], at) => make("li", { tabindex: "0", "data-triggers": String(at) },
          said(text), weight !== undefined && make("span", { class: "meta" }, ` weight ${weight}`),
          make("span", { class: "chips" }, sides.map((side) => {
            const verdict = side.judged.verdicts?.[at];
            return verdict && badge(verdict[0], sides.length > 1 ? ` (${side.letter})` : "");
          }))))));
    }

    side(run, sample, view) {
      const at = this.samples.index.runs.indexOf(run), told = sample.runs[at];
      const letter = run === view.a ? "first" : "second";
      const judge = this.samples.judge(run, view.j);
      const head = make("h3", {}, view.b && `${letter[0].toUpperCase()}${letter.slice(1)}: `, make("a", { href: whyfeel.link(`runs/${run.slug}`) }, said(run.name)));
      if (!told) return { node: make("section", { class: "side" }, head, make("p", { class: "notice" }, "This sample is not in this run.")) };
      const judged = told.judges[run.judges.indexOf(judge)];
      const figures = judge.scores.map((name, place) => [label(name), judged.values[place]]);
      const metrics = Object.entries(told.metrics).map(([name, value]) => [label(name), value]);
      const tree = [asks("Asked for the answer", told.own, told.asks), asks(`Asked by the judge ${judge.title}`, judged.own, told.asks)].filter(Boolean);
      const node = make("section", { class: "side" }, head,
        OUTCOME_WORDS[told.outcome] && make("p", {}, chip(OUTCOME_WORDS[told.outcome], "warn")),
        answer(told, judged, (trigger) => trigger + 1),
        told.long > 0 && make("p", { class: "meta" }, `${count(told.long)} more characters are in responses.jsonl.`),
        !(judged.spans ?? []).length && told.text && !judged.verdicts && make("p", { class: "meta" }, "This judge does not tell which words it counts."),
        make("p", { class: "judge meta" }, "Judge: ", said(judge.title), view.j && judge.id !== view.j && " (this run was not judged by the one chosen)"),
        listed([...figures, ...(judged.chance ? [["F1 by chance", judged.chance]] : []), ...metrics]),
        reasons(judged),
        people(told.people ?? [], this.samples.index.studies),
        tree.length > 0 ? fold(`Asks: ${told.own.length} for the answer, ${judged.own.length} by the judge`, make("ul", { class: "tree" }, tree)) : make("p", { class: "meta" }, "No model was asked."));
      return { node, told, judged, letter };
    }
  }

  // ---- the page

  // differences and orders for which a second run or judge is wanted; a link may name them all the same
  const impossible = (value, a, b) => (["a", "b", "apart"].includes(value) && !b) || (value === "j" && a.judges.length < 2);
  const typing = (node) => node.matches?.("input, select, textarea, [contenteditable]");

  class Explorer {
    constructor(box, page, index) {
      this.page = page;
      this.box = box;
      this.slug = box.dataset.explore;
      this.samples = new Samples(index);
      this.found = [];
      this.filtered = this.told = null;
      const one = (selector) => box.querySelector(selector);
      this.status = one("[data-status]");
      this.left = one("[data-left]");
      one("[data-list]").id = `list-${this.slug}`;
      this.list = new List(one("[data-list]"), (place) => this.row(place), (place) => this.open(place));
      this.pane = new Pane(one("[data-sample]"), one("dialog"), this.samples);
      this.chosen = [...box.querySelectorAll("[data-name]")];
      this.fields = [...box.querySelectorAll("[data-filter-name]")];
      this.fill();
      this.listen();
    }

    fill() {
      const { index } = this.samples;
      const add = (name, pairs) => this.box.querySelector(name).append(...pairs.map(([value, text]) => make("option", { value }, text)));
      const runs = index.runs.map((run) => [run.slug, run.name]);
      add("[data-name=a]", runs);
      add("[data-name=b]", runs);
      const judges = new Map(index.runs.flatMap((run) => run.judges.map((one) => [one.id, one.title])));
      const titles = [...judges.values()];
      add("[data-name=j]", [...judges].map(([id, title]) => [id, titles.indexOf(title) === titles.lastIndexOf(title) ? title : `${title}: ${id}`]));
      add("[data-filter-name=e]", index.emotions.map((one) => [one, one]));
      const flags = Object.entries(index.flags).map(([flag, places]) => [flag, `${flag} (${places.length})`]);
      add("[data-filter-name=g]", flags);
      this.box.querySelector("[data-flags]").hidden = flags.length === 0;
      this.box.querySelector("[data-people]").hidden = index.runs.every((run) => run.rated.length === 0);
      this.box.querySelector("[data-name=b]").closest("label").hidden = runs.length < 2;
    }

    listen() {
      for (const form of this.box.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
      for (const one of this.chosen) {
        one.addEventListener("change", () => this.page.go({ [one.dataset.name]: one.value || null }, { replace: true }));
      }
      const narrow = this.box.querySelector(".narrow");
      narrow.addEventListener("input", () => this.narrow());
      narrow.addEventListener("reset", (event) => {
        event.preventDefault();
        this.page.go({ f: null }, { replace: true });
      });
      document.addEventListener("keydown", (event) => this.press(event));
      const wide = window.matchMedia("(min-width: 50.01rem)");
      const unfold = () => { this.box.querySelector(".finder").open = wide.matches; };
      wide.addEventListener("change", unfold);
      unfold();
      this.page.watch(() => { this.showing = this.show(); });
    }

    narrow() {
      const filters = new URLSearchParams();
      for (const field of this.fields) if (field.value.trim()) filters.set(field.dataset.filterName, field.value);
      this.page.go({ f: filters.toString() || null }, { replace: true });
    }

    press(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || this.box.closest("[hidden]") || this.box.querySelector("dialog").open) return;
      if (typing(event.target)) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      const by = { j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by !== undefined && !event.target.closest("pre, .scroll, .answer")) {
        event.preventDefault();
        this.step(by);
      } else if (event.key === "/") {
        event.preventDefault();
        this.box.querySelector(".finder").open = true;
        this.box.querySelector("[data-filter-name=q]").focus();
      }
    }

    // what the hash says, and what it leaves to be chosen
    view() {
      const state = this.page.state(), { index } = this.samples;
      const a = this.samples.run(state.get("a")) ?? index.runs[0];
      const b = this.samples.run(state.get("b")) ?? null;
      const known = index.runs.some((run) => run.judges.some((one) => one.id === state.get("j")));
      const filters = new URLSearchParams(state.get("f") ?? "");
      for (const name of ["d", "by"]) if (impossible(filters.get(name), a, b)) filters.delete(name);
      return { a, b, j: known ? state.get("j") : a.judges[0].id, s: state.get("s"), filters };
    }

    async show() {
      const view = this.view();
      for (const [name, value] of [["a", view.a.slug], ["b", view.b?.slug ?? ""], ["j", view.j]]) {
        this.box.querySelector(`[data-name=${name}]`).value = value;
      }
      for (const field of this.fields) {
        const value = view.filters.get(field.dataset.filterName) ?? "";
        if (field.value !== value && field !== document.activeElement) field.value = value;
        else if (field.value.trim() !== value.trim()) field.value = value;
      }
      const set = this.fields.filter((field) => field.dataset.filterName !== "q" && field.value.trim()).length;
      this.box.querySelector("[data-set]").textContent = set ? `${set} set` : "";
      this.disable(view);
      if (view.filters.get("q") && !this.samples.texts) {
        this.status.textContent = "Reading what is searched …";
        try {
          this.samples.read(await whyfeel.load(`${this.slug}/words`));
        } catch (error) {
          this.status.textContent = `Search does not work: ${error.message}`;
          return;
        }
        return this.show();
      }
      this.find(view);
      const place = this.samples.places.get(view.s ?? "") ?? this.found[0];
      this.list.show(this.found, place ?? -1);
      await this.tell(place, view);
    }

    disable(view) {
      for (const option of this.box.querySelectorAll("[data-filter-name=d] option, [data-filter-name=by] option")) {
        option.disabled = impossible(option.value, view.a, view.b);
      }
    }

    find(view) {
      const asked = [view.a.slug, view.b?.slug, view.j, view.filters, this.samples.texts !== null].join("\n");
      if (asked === this.filtered) return;
      this.filtered = asked;
      this.found = this.samples.find(view);
      const all = this.samples.index.ids.length, some = this.found.length;
      const searched = view.filters.get("q") && this.samples.index.searched
        ? `, searched in ids, questions and the first ${this.samples.index.searched} characters of answers`
        : view.filters.get("q") ? ", searched in ids and questions alone" : "";
      this.left.textContent = `${count(some)} of ${count(all)}`;
      this.status.textContent = `${count(some)} of ${count(all)} samples${searched}`;
    }

    async tell(place, view) {
      if (place === undefined) {
        this.told = null;
        this.pane.box.replaceChildren(make("p", { class: "notice" }, "No sample is left by these filters."));
        return;
      }
      if (view.s && !this.samples.places.has(view.s)) {
        this.told = null;
        this.pane.box.replaceChildren(make("p", { class: "notice" }, "There is no sample ", said(view.s), " here."));
        return;
      }
      this.place = place;
      const { page } = this.samples.index;
      const key = [place, view.a.slug, view.b?.slug, view.j].join("\n");
      if (key === this.told) { // other filters: what is unfolded stays so
        this.pane.box.querySelector(".steps").replaceWith(this.buttons(place));
        return;
      }
      this.told = null;
      let told;
      try {
        told = await whyfeel.load(`${this.slug}/${Math.floor(place / page)}`);
      } catch (error) {
        this.pane.box.replaceChildren(make("p", { class: "notice trouble" }, `This sample cannot be shown: ${error.message}`));
        return;
      }
      if (this.place !== place) return; // one has gone on meanwhile
      this.told = key;
      this.pane.show(place, told.samples[place % page], view, this.buttons(place));
    }

    row(place) {
      const { index } = this.samples, view = this.view();
      const values = [view.a, view.b].filter(Boolean).map((run) => score(this.samples.values(run, view.j)[place]));
      return [said(index.ids[place], { class: "id" }), make("span", { class: "meta" }, said(index.emotions[index.emotion[place]]), make("span", { class: "n" }, values.join(" · ")))];
    }

    buttons(place) {
      const at = this.found.indexOf(place), all = this.found.length;
      const button = (text, by, off) => make("button", { type: "button", class: "button", "data-step": String(by), disabled: off, onclick: () => this.step(by) }, text);
      const where = at < 0 ? "not among those found" : `${count(at + 1)} of ${count(all)}`;
      return make("div", { class: "steps" }, button("Previous", -1, at === 0 || !all), make("span", { class: "count" }, where), button("Next", 1, at === all - 1 || !all));
    }

    step(by) {
      if (!this.found.length) return;
      const at = this.found.indexOf(this.place);
      const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), this.found.length - 1);
      if (next === at) return;
      const focused = document.activeElement?.dataset?.step;
      this.open(this.found[next]).then(() => {
        const button = focused && this.pane.box.querySelector(`[data-step="${focused}"]`);
        if (button) (button.disabled ? this.pane.box.querySelector("[data-step]:not(:disabled)") : button)?.focus();
      });
    }

    async open(place) {
      this.page.go({ s: this.samples.index.ids[place] }); // which has it shown
      await this.showing;
    }
  }

  whyfeel.behave("[data-explore]", async (box, page) => {
    try {
      const explorer = new Explorer(box, page, await whyfeel.load(`${box.dataset.explore}/index`));
      box.hidden = false;
      await explorer.show();
    } catch (error) {
      const trouble = box.parentElement.querySelector("[data-trouble]");
      trouble.textContent = `The samples cannot be shown: ${error.message}`;
      trouble.hidden = false;
    }
  });
})();
