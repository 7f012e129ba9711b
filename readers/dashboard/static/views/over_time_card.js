// Owns one goal over time: the confidence sequence day by day, the rate up to each day, and both as a table.

import { rowName } from "../days.js";
import { h, renew, say } from "../dom.js";
import { full } from "../format.js";
import { LinesChart } from "../lines_chart.js";
import { cumulative, daysOf, heightsOf, sequence } from "../experiments/over_time.js";
import { countText, differenceText, goalName, valueText } from "../experiments/say.js";

const band = (level) => `The band holds the true difference with ${Number((100 * level).toPrecision(6))} % certainty on all days together, so it may be looked at any day. `
  + "Once it leaves the zero line, chance hardly explains it.";

export class OverTimeCard {
  #model = null;

  constructor(app) {
    this.app = app;
    this.tabs = h("nav", { class: "choices", "aria-label": "Goals" });
    this.sequence = new LinesChart();
    this.rates = new LinesChart();
    this.rateTitle = h("h3", {});
    this.legend = h("p", { class: "legend" });
    this.empty = h("p", { class: "empty", hidden: true }, "Nothing has been counted yet.");
    this.table = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers by day" });
    this.details = h("details", { class: "as-table", ontoggle: () => this.#fill() }, h("summary", {}, "Numbers as a table"), this.table);
    this.band = h("p", { class: "soft fine" });
    this.charts = h("div", { class: "halves" },
      h("div", {}, h("h3", {}, "Difference to control"), this.sequence.node, this.band),
      h("div", {}, this.rateTitle, this.rates.node));
    this.node = h("section", { class: "card", "aria-label": "Over time" }, h("header", {}, h("h2", {}, "Over time"), this.tabs), this.legend, this.empty, this.charts, this.details);
  }

  update(results, chosen, colours) {
    const goal = results.goals.find((g) => g.goal === chosen) ?? results.goals[0], days = daysOf(goal);
    this.#model = { goal, days, control: results.control };
    this.tabs.hidden = results.goals.length < 2;
    renew(this.tabs, JSON.stringify([results.goals.map((g) => g.goal), goal.goal, this.app.state]), () => results.goals.map((g) =>
      h("a", { href: this.app.link({ goal: g.goal }), "data-key": g.goal, ...(g === goal ? { "aria-current": "true" } : {}) }, goalName(g.goal))));
    renew(this.legend, JSON.stringify([...colours]), () => goal.variations.map((v) => h("span", {}, h("i", { class: `key dot ${colours.get(v.id)}` }), v.id)));
    for (const node of [this.charts, this.details, this.legend]) node.hidden = !days.length;
    this.empty.hidden = days.length > 0;
    this.#draw(goal, days, results, colours);
    this.#fill();
  }

  close() {
    this.sequence.close();
    this.rates.close();
  }

  #draw(goal, days, { control, method: { level } }, colours) {
    const { kind } = goal, others = goal.variations.filter((v) => v.id !== control);
    const found = others.map((v) => sequence(v, days));
    say(this.band, found.flat().some((d) => d.low !== null) ? band(level) : "It is too early for an interval: few have converted yet.");
    say(this.rateTitle, kind === "rate" ? "Rate up to each day" : "Mean up to each day");
    this.sequence.update({
      name: `${goal.goal}: difference to control`, unit: "day", labels: days, zero: true, heights: heightsOf(found),
      tick: (n) => (n === 0 ? "0" : differenceText(kind, n)),
      tell: (s, i) => `${differenceText(kind, s.values[i])}${s.low[i] === null ? "" : `, ${differenceText(kind, s.low[i])} to ${differenceText(kind, s.high[i])}`}`,
      series: others.map((v, i) => ({
        name: v.id, colour: colours.get(v.id) ?? "c5", values: found[i].map((d) => d.difference), low: found[i].map((d) => d.low), high: found[i].map((d) => d.high),
      })),
    });
    this.rates.update({
      name: `${goal.goal}: up to each day`, unit: "day", labels: days, tick: (n) => valueText(kind, n), tell: (s, i) => valueText(kind, s.values[i]),
      series: goal.variations.map((v) => ({ name: v.id, colour: colours.get(v.id) ?? "c5", values: cumulative(v, days).map((d) => d.value) })),
    });
  }

  #fill() {
    if (!this.details.open || !this.#model) return;
    const { goal, days, control } = this.#model;
    renew(this.table, JSON.stringify([goal, days]), () => {
      const of = goal.variations.map((v) => ({ id: v.id, control: v.id === control, sums: cumulative(v, days), found: sequence(v, days) }));
      const titles = of.flatMap(({ id, control: is }) => [`${id}: visitors`, "total", goal.kind, ...(is ? [] : ["difference", "between"])]);
      return h("table", {}, h("caption", { class: "unseen" }, `${goalName(goal.goal)}, up to each day`),
        h("thead", {}, h("tr", {}, ["Up to", ...titles].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, days.map((day, i) => h("tr", {}, h("th", { scope: "row" }, rowName(day, "day")), of.flatMap((v) => cells(goal.kind, v, i))))));
    });
  }
}

function cells(kind, { control, sums, found }, i) {
  const { visitors, total, value } = sums[i], { difference, low, high } = found[i];
  const own = [h("td", {}, countText(visitors)), h("td", {}, countText(total)), h("td", { title: full(value) }, valueText(kind, value))];
  if (control) return own;
  return [...own, h("td", {}, differenceText(kind, difference)), h("td", { class: "soft" }, low === null ? "too early" : `${differenceText(kind, low)} … ${differenceText(kind, high)}`)];
}
