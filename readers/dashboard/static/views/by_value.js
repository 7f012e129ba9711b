// Owns an experiment's goals for each value of a breakdown. They are shown and never decided on: of many, some differ by chance.

import { h, renew, say } from "../dom.js";
import { full, lastPart } from "../format.js";
import { visitorsOf } from "../experiments/say.js";
import { comparison } from "./goal_card.js";

const SHOWN = 20;

export class ByValue {
  constructor(app) {
    this.app = app;
    this.title = h("h2", {});
    this.body = h("div", {});
    this.node = h("section", { class: "card by-value", "aria-label": "By value" }, h("header", {}, h("div", {}, this.title,
      h("p", { class: "soft" }, "A look at parts of the visitors. Nothing is decided by it: of many parts, some differ by chance."))), this.body);
  }

  /** results: with `by` and `values`, or without. */
  update(results, colours) {
    const { by, values, values_left_out: left = 0, control } = results, chosen = this.app.state.goal;
    this.node.hidden = !by;
    if (!by) return;
    say(this.title, `By ${lastPart(by)}`);
    renew(this.body, JSON.stringify([values, left, chosen]), () => [...values.slice(0, SHOWN).map((value) => this.#value(value, control, colours)),
      values.length ? null : h("p", { class: "empty" }, "Nothing has been counted yet."),
      left + values.length > SHOWN ? h("p", { class: "soft" }, `and ${full(left + Math.max(0, values.length - SHOWN))} more values`) : null]);
  }

  #value({ value, goals, sample_ratio: ratio }, control, colours) {
    const goal = goals.find((g) => g.goal === this.app.state.goal) ?? goals[0];
    return h("div", { class: "of-value" }, h("h3", {}, value, h("small", { class: "soft" }, ` ${full(visitorsOf({ sample_ratio: ratio }))} visitors`)), comparison(goal, control, colours));
  }
}
