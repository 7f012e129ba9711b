// Owns the large chart with what stands around it: rows by hour to month, a legend, days worth a look, the table.

import { addDays, daysBetween, longDay, shortDay } from "../days.js";
import { h, renew, say } from "../dom.js";
import { change, compact } from "../format.js";
import { HOUR_DAYS_MAX } from "../questions.js";
import { NumbersTable } from "./numbers_table.js";

const UNITS = [["hour", "Hours"], ["day", "Days"], ["week", "Weeks"], ["month", "Months"]];

export class ChartCard {
  model = { points: [] };

  constructor(app, chart) {
    this.app = app;
    this.chart = chart;
    this.title = h("h2", {});
    this.note = h("span", { class: "soft" });
    this.units = UNITS.map(([unit, text]) => h("button", { type: "button", "data-unit": unit, onclick: () => app.go({ unit }) }, text));
    this.legend = h("p", { class: "legend" });
    this.worth = h("p", { class: "worth" });
    this.missing = h("p", { class: "empty", hidden: true });
    this.table = new NumbersTable((point) => this.#address(point));
    this.node = h("section", { class: "card large", "aria-label": "Chart" },
      h("header", {}, h("div", {}, this.title, this.note), h("div", { class: "choices", role: "group", "aria-label": "Rows" }, this.units)),
      this.legend, this.missing, chart.node, this.worth, this.table.node);
  }

  update(model) {
    this.model = model;
    this.node.hidden = false;
    const [first, last] = this.app.span, days = daysBetween(first, last);
    say(this.title, model.name);
    say(this.note, model.note);
    for (const button of this.units) {
      const unit = button.dataset.unit;
      button.setAttribute("aria-pressed", String(unit === model.unit));
      button.disabled = (unit === "hour" && days > HOUR_DAYS_MAX) || (model.unfit && ["week", "month"].includes(unit));
    }
    this.#explainMissing(model);
    this.chart.update({ ...model, choosable: model.unit !== "hour" });
    renew(this.legend, JSON.stringify([model.compared, model.points.some((p) => p.open), model.unit, model.marks]), () => this.#legend(model));
    renew(this.worth, JSON.stringify([model.notable, this.app.state]), () => this.#worth(model));
    this.table.update(model);
  }

  close() {
    this.chart.close();
  }

  /** The days of a week's or month's row. */
  spanOf({ label }) {
    const [first, last] = this.app.span;
    const next = this.model.points.find((p) => p.label > label)?.label;
    return [label < first ? first : label, next ? addDays(next, -1) : last];
  }

  #address(point) {
    if (this.model.unit === "hour") return null;
    const span = this.model.unit === "day" ? [point.label, point.label] : this.spanOf(point);
    return this.app.link({ range: span });
  }

  #explainMissing({ points, unfit }) {
    this.missing.hidden = points.length > 0;
    this.chart.node.hidden = !points.length;
    if (!points.length) say(this.missing, unfit ? "Each day's visitors don't add up over days: choose days or hours." : "There is nothing to draw.");
  }

  #legend({ compared, points, unit, marks }) {
    return [
      h("span", {}, h("i", { class: "key now" }), "this period"),
      points.some((p) => p.open) ? h("span", {}, h("i", { class: "key open" }), `${unit} not over yet`) : null,
      compared ? h("span", {}, h("i", { class: "key before" }), compared) : null,
      marks.some((m) => m.kind === "changed") ? h("span", {}, h("i", { class: "key mark" }), "definition changed") : null,
      marks.some((m) => m.kind === "gap") ? h("span", {}, h("i", { class: "key gap" }), "another definition in force") : null,
      marks.some((m) => m.kind === "fall") ? h("span", {}, h("i", { class: "key fall" }, "▼"), "deep fall") : null,
      unit === "hour" ? null : h("span", { class: "hint" }, `Choose a ${unit} to see its ${unit === "day" ? "hours" : "days"}`),
    ];
  }

  #worth({ notable, points }) {
    if (!notable) return [];
    const day = (label) => h("a", { href: this.app.link({ range: [label, label] }) }, shortDay(label, points.at(-1).label.slice(0, 4)));
    const { highest, lowest, fall } = notable;
    return [
      h("span", {}, "Highest ", day(highest.label), ` (${compact(highest.value)})`),
      h("span", {}, "Lowest ", day(lowest.label), ` (${compact(lowest.value)})`),
      fall ? h("span", { class: "fall", title: longDay(fall.label) }, "Deepest fall ", day(fall.label),
        ` (${change(fall.ratio).text} against ${fall.lag === 7 ? "the same weekday before" : "the day before"})`) : null,
    ];
  }
}
