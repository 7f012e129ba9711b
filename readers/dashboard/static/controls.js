// Owns choosing the days and what they are compared with.

import { COMPARES } from "./address.js";
import { addDays, isDay, PRESETS, shifted, spanName } from "./days.js";
import { h, say } from "./dom.js";

const DAYS_MAX = 800;

export class Controls {
  constructor(app) {
    this.app = app;
    this.presets = PRESETS.map(([name, text]) => h("button", { type: "button", "data-range": name, onclick: () => app.go({ range: name }) }, text));
    this.custom = h("button", { type: "button", "aria-expanded": "false", "aria-controls": "own-days", onclick: () => this.#open(this.form.hidden) }, "From – to");
    this.compare = h("select", { "aria-label": "Compare with", onchange: () => app.go({ compare: this.compare.value }) },
      COMPARES.map(([name, text]) => h("option", { value: name }, text)));
    this.back = h("button", { type: "button", class: "icon", "aria-label": "The days before", title: "The days before", onclick: () => this.#shift(-1) }, "‹");
    this.on = h("button", { type: "button", class: "icon", "aria-label": "The days after", title: "The days after", onclick: () => this.#shift(1) }, "›");
    this.name = h("span", { class: "span-name" });
    this.form = this.#makeForm();
    this.node = h("div", { class: "controls" },
      h("div", { class: "choices", role: "group", "aria-label": "Days" }, this.presets, this.custom),
      h("label", { class: "compare" }, h("span", {}, "against"), this.compare),
      h("div", { class: "when" }, this.back, this.name, this.on), this.form);
  }

  update() {
    const { range, compare } = this.app.state, [first, last] = this.app.span;
    for (const button of this.presets) button.setAttribute("aria-pressed", String(button.dataset.range === range));
    this.custom.setAttribute("aria-pressed", String(Array.isArray(range)));
    this.compare.value = compare;
    say(this.name, spanName([first, last]));
    this.on.disabled = last >= this.app.today;
    if (this.form.hidden) [this.from.value, this.to.value] = [first, last];
  }

  #makeForm() {
    this.from = h("input", { type: "date", name: "from", required: true });
    this.to = h("input", { type: "date", name: "to", required: true });
    this.wrong = h("span", { class: "bad", role: "alert" });
    const form = h("form", { class: "own-days", id: "own-days", hidden: true },
      h("label", {}, "From ", this.from), h("label", {}, "to ", this.to), h("button", { class: "main" }, "Show"), this.wrong);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#show(); });
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") { this.#open(false); this.custom.focus(); } });
    return form;
  }

  #open(open) {
    this.form.hidden = !open;
    this.custom.setAttribute("aria-expanded", String(open));
    say(this.wrong, "");
    if (open) this.from.focus();
  }

  #show() {
    const [first, last] = [this.from.value, this.to.value];
    const wrong = !isDay(first) || !isDay(last) ? "Give both days." : last < first ? "The first day comes after the last." :
      addDays(first, DAYS_MAX) <= last ? `At most ${DAYS_MAX} days.` : "";
    say(this.wrong, wrong);
    if (wrong) return;
    this.#open(false);
    this.app.go({ range: [first, last] });
    this.custom.focus();
  }

  #shift(by) {
    this.app.go({ range: shifted(this.app.span, by, this.app.today), unit: this.app.state.unit });
  }
}
