// Owns the table that says the same as a chart, filled only while it is open.

import { rowName } from "../days.js";
import { h, renew } from "../dom.js";
import { full } from "../format.js";
import { changeBadge } from "../numbers.js";

export class NumbersTable {
  #model = null;

  /** address(point): where its name leads; null: nowhere. */
  constructor(address) {
    this.address = address;
    this.body = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers" });
    this.node = h("details", { class: "as-table", ontoggle: () => this.#fill() }, h("summary", {}, "Numbers as a table"), this.body);
  }

  update(model) {
    this.#model = model;
    this.#fill();
  }

  #fill() {
    if (!this.node.open || !this.#model) return;
    const { points, unit, name, compared } = this.#model;
    renew(this.body, JSON.stringify([points, unit, name, compared]), () => h("table", {},
      h("caption", { class: "unseen" }, name),
      h("thead", {}, h("tr", {}, ["When", "Number", ...(compared ? ["Before", "Change"] : [])].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, points.map((point) => this.#row(point, unit, compared)))));
  }

  #row(point, unit, compared) {
    const name = rowName(point.label, unit), address = this.address(point);
    return h("tr", {}, h("th", { scope: "row" }, address ? h("a", { href: address, "data-key": point.label }, name) : name),
      h("td", {}, full(point.value), point.open ? h("small", { class: "soft" }, " so far") : null),
      compared ? [h("td", {}, full(point.before)), h("td", {}, changeBadge(point.change))] : []);
  }
}
