// Owns variations side by side in one goal: visitors, totals, rates, and how they differ from control.

import { h, renew, say } from "../dom.js";
import { change, full } from "../format.js";
import { axisOf } from "../experiments/axis.js";
import { countText, differenceText, goalName, pText, standing, valueText } from "../experiments/say.js";
import { axisRow, intervalBar } from "./interval_bar.js";

const STANDING = { better: ["✓ better", "good"], worse: ["✗ worse", "bad"], unclear: ["not told apart yet", "soft"] };

export class GoalCard {
  constructor(app) {
    this.app = app;
    this.title = h("h2", {});
    this.note = h("p", { class: "soft" });
    this.body = h("div", { class: "versus" });
    this.node = h("section", { class: "card goal" }, h("header", {}, h("div", {}, this.title, this.note)), this.body);
  }

  /** goal: of the results. colours: of the variations. */
  update(goal, control, colours) {
    const [metric, measure] = goal.goal.split(".");
    this.node.setAttribute("aria-label", goalName(goal.goal));
    renew(this.title, JSON.stringify([goal.goal, this.app.state]), () =>
      h("a", { href: this.app.link({ view: "metric", metric, measure, experiment: "" }), "data-key": "metric" }, goalName(goal.goal)));
    say(this.note, roleOf(goal));
    renew(this.body, JSON.stringify([goal, control]), () => comparison(goal, control, colours));
  }
}

function roleOf({ primary, guardrail, better, kind }) {
  const role = primary ? "Primary goal: it decides." : guardrail ? "Guardrail: worse here, and nothing is shipped." : "Watched; it decides nothing.";
  return `${role} ${better === "higher" ? "Higher" : "Lower"} is better. ${kind === "rate" ? "Share of visitors." : "Mean per visitor."}`;
}

/** The table of a goal's variations on one axis. */
export function comparison(goal, control, colours) {
  const axis = axisOf(goal.variations.map((v) => v.versus_control));
  const value = goal.kind === "rate" ? "Rate" : "Mean";
  const titles = ["Variation", "Visitors", "Total", value, "Uplift", ["Difference to control", axis ? axisRow(axis, goal.kind) : null], "p-value"];
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Variations in ${goalName(goal.goal)}` }, h("table", {},
    h("thead", {}, h("tr", {}, titles.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, goal.variations.map((v) => row(goal, v, axis, v.id === control, colours.get(v.id) ?? "c5")))));
}

function row(goal, v, axis, isControl, colour) {
  const compared = v.versus_control;
  return h("tr", {},
    h("th", { scope: "row" }, h("i", { class: `dot ${colour}`, "aria-hidden": "true" }), v.id, isControl && v.id !== "control" ? h("small", { class: "soft" }, " control") : null),
    cell("Visitors", countText(v.visitors), full(v.visitors)), cell("Total", countText(v.total), full(v.total)),
    cell(goal.kind === "rate" ? "Rate" : "Mean", valueText(goal.kind, v.value), full(v.value)),
    compared ? upliftCell(goal, compared) : h("td", { class: "nothing" }, "–"),
    h("td", { class: isControl ? "bar-cell of-control" : "bar-cell" }, axis && compared ? intervalBar(axis, goal, compared, colour) : isControl ? h("small", { class: "soft" }, "what others are compared with") : null),
    compared ? pCell(compared) : h("td", { class: "nothing" }, "–"));
}

function upliftCell(goal, compared) {
  const moved = change(compared.uplift), [text, kind] = STANDING[standing(goal, compared)];
  // Relative to few conversions there may be no interval yet where the difference has one.
  const span = compared.uplift_interval?.map((end) => change(end).text) ?? compared.interval?.map((end) => differenceText(goal.kind, end));
  return h("td", { "data-label": "Uplift" }, h("b", {}, moved?.text ?? differenceText(goal.kind, compared.difference)),
    h("small", { class: "soft" }, span ? `${span[0]} to ${span[1]}` : "too early for an interval"), h("small", { class: kind }, text));
}

function pCell({ p_value: valid, fixed }) {
  return h("td", { "data-label": "p-value" }, h("b", { title: valid === null ? "" : String(valid) }, pText(valid)),
    fixed ? h("small", { class: "soft", title: `fixed horizon: ${fixed.p_value}` }, `fixed ${pText(fixed.p_value)}`) : null);
}

const cell = (label, text, title = "") => h("td", { "data-label": label, title }, text);
