// Owns the breakdowns of a measure: which there are, a ranked table with bars, and the largest values over time.

import { Refused } from "../ask.js";
import { todayIn } from "../days.js";
import { h, renew, say } from "../dom.js";
import { lastPart } from "../format.js";
import { LinesChart } from "../lines_chart.js";
import { byValue, isLine, TOP, valuesOverTime } from "../questions.js";
import { pointsOf } from "../series.js";
import { rankedRows } from "./ranking.js";

export class Breakdowns {
  constructor(app) {
    this.app = app;
    this.tabs = h("nav", { class: "choices", "aria-label": "Breakdowns" });
    this.title = h("h2", {});
    this.table = h("div", { class: "ranking" });
    this.lines = new LinesChart();
    this.why = h("p", { class: "empty", hidden: true });
    this.body = h("div", { class: "halves" }, this.table, h("div", {}, this.lines.node));
    this.node = h("section", { class: "card", "aria-label": "Breakdown" }, h("header", {}, this.title, this.tabs), this.why, this.body);
  }

  async refresh(state, { metric, measure, unit, base }, current) {
    this.node.hidden = !metric.breakdowns.length;
    if (!metric.breakdowns.length) return;
    const by = metric.breakdowns.includes(state.by) ? state.by : metric.breakdowns[0], name = `${metric.id}.${measure}`;
    say(this.title, `By ${lastPart(by)}`);
    this.title.title = by;
    this.tabs.hidden = metric.breakdowns.length < 2;
    renew(this.tabs, JSON.stringify([metric.breakdowns, by, state]), () => metric.breakdowns.map((path) =>
      h("a", { href: this.app.link({ by: path }), "data-key": path, title: path, ...(path === by ? { "aria-current": "true" } : {}) }, lastPart(path))));
    try {
      const ranking = await this.app.service.post("/v1/query", byValue(base, name, by));
      const values = ranking.results.slice(0, TOP).map((row) => row.dimensions[0]);
      const time = values.length ? await this.app.service.post("/v1/query", valuesOverTime(base, name, by, values, unit)) : null;
      if (current()) this.#show(state, { ranking, time, values, by, metric, measure, unit });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 400) throw error;
      if (current()) this.#explain(error.message);
    }
  }

  close() {
    this.lines.close();
  }

  #show(state, { ranking, time, values, by, metric, measure, unit }) {
    if (!values.length) return this.#explain("No values have been counted in these days.");
    this.why.hidden = true;
    this.body.hidden = false;
    const adds = !isLine(metric.measures[measure]) && !metric.measures[measure].once_per;
    const sign = JSON.stringify([ranking.results, ranking.meta.total_rows, state, by, adds]);
    renew(this.table, sign, () => rankedRows(ranking, { adds, chosen: state.value, heading: lastPart(by), total: ranking.meta.total_rows,
      link: (value) => this.app.link({ by, value: value === state.value ? null : value }) }));
    this.#draw(time, values, metric, unit, `${metric.id} ${measure}`);
  }

  #draw(time, values, metric, unit, name) {
    const today = todayIn(metric.timezone), labels = [...new Set(time.results.map((row) => row.dimensions[0]))];
    const series = values.map((value, i) => {
      const own = { ...time, results: time.results.filter((row) => row.dimensions[1] === value) };
      const found = new Map(pointsOf(own, 0, unit, today).map((p) => [p.label, p.value]));
      return { name: value, colour: `c${i + 1}`, values: labels.map((label) => found.get(label) ?? null) };
    });
    this.lines.update({ name, unit, labels, series });
  }

  #explain(text) {
    say(this.why, text);
    this.why.hidden = false;
    this.body.hidden = true;
  }
}
