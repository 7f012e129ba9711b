// Owns the row of a metric's measures, each with its number and change; one of them is on the chart.

import { h, renew } from "../dom.js";
import { words } from "../format.js";
import { updateChange, updateNumber } from "../numbers.js";
import { measureNote, REJECTED } from "../questions.js";

export class Measures {
  #tabs = new Map();

  constructor(app) {
    this.app = app;
    this.node = h("nav", { class: "measures", "aria-label": "Measures" });
  }

  update(metric, chosen, sums, several) {
    const names = Object.keys(metric.measures);
    renew(this.node, JSON.stringify([metric.id, metric.revision, names]), () => names.map((name) => this.#tab(name, metric)));
    for (const name of names) {
      const { node, number, per, change } = this.#tabs.get(name);
      node.href = this.app.link({ measure: name });
      if (name === chosen) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
      updateNumber(number, sums[name].value);
      per.textContent = sums[name].mean && several ? " a day" : "";
      updateChange(change, sums[name].change, metric.id === REJECTED);
    }
  }

  #tab(name, metric) {
    const number = h("strong", { class: "number" }), per = h("small", { class: "soft" }), change = h("span", { class: "change" });
    const node = h("a", { href: "/", class: "measure", "data-key": name, title: measureNote(metric.measures[name]) },
      h("span", { class: "name" }, words(name)), h("span", { class: "figures" }, number, per, change));
    this.#tabs.set(name, { node, number, per, change });
    return node;
  }
}
