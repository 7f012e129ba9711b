// Owns the page of one metric: its measures, one large chart, the days behind it, its breakdowns and its definition.

import { Chart } from "../chart.js";
import { comparedDay, longDay, PRESETS, spanName, todayIn } from "../days.js";
import { h, renew, say } from "../dom.js";
import { words } from "../format.js";
import { qualityNotes } from "../quality.js";
import { common, isLine, isUnfit, measureNote, overTime, totals, unitOf } from "../questions.js";
import { fallMark, marksOf, notable, pointsOf, totalOf } from "../series.js";
import { Breakdowns } from "./breakdowns.js";
import { ChartCard } from "./chart_card.js";
import { Measures } from "./measures.js";

export class MetricView {
  constructor(app) {
    this.app = app;
    this.back = h("a", { class: "back", href: "/" }, "‹ Overview");
    this.title = h("h1", {});
    this.about = h("p", { class: "soft" });
    this.measures = new Measures(app);
    this.card = new ChartCard(app, new Chart({ onPick: (point) => this.#pick(point) }));
    this.notes = h("div", { class: "notes" });
    this.breakdowns = new Breakdowns(app);
    this.definition = h("details", { class: "card definition" });
    this.filter = h("div", { class: "filter" });
    this.node = h("div", { class: "detail" }, this.back, h("div", { class: "row head" }, this.title), this.about,
      this.filter, this.measures.node, this.card.node, this.notes, this.breakdowns.node, this.definition);
  }

  async refresh(state, current) {
    const metric = this.app.metric(state.metric);
    if (!metric) return this.#unknown(state);
    const measure = metric.measures[state.measure] ? state.measure : Object.keys(metric.measures)[0];
    this.#name(state, metric);
    const unit = unitOf(state, this.app.span), base = common(state, this.app.account, this.app.open);
    const filter = { by: state.by || metric.breakdowns[0], value: state.value };
    const ask = (body) => this.app.service.post("/v1/query", body);
    const unfit = Object.values(metric.measures).every(isUnfit);
    // A measure of each day's visitors has no weeks: what has is shown, and the card says it of the one that hasn't.
    const charted = Object.keys(metric.measures).filter((name) => !isUnfit(metric.measures[name]) || unit === "hour" || unit === "day");
    const [rows, sums] = await Promise.all([
      charted.length ? ask(overTime(base, charted.map((name) => `${metric.id}.${name}`), unit, filter)) : null,
      unfit && this.app.span[0] !== this.app.span[1] ? null : ask(totals(base, [metric.id], filter)),
    ]);
    if (!current()) return;
    const shown = { metric, measure, unit, filter, rows, sums, ...this.#read(metric, rows, sums, unit) };
    this.#show(state, shown);
    await this.breakdowns.refresh(state, { metric, measure, unit, base }, current);
  }

  close() {
    this.card.close();
    this.breakdowns.close();
  }

  #read(metric, rows, sums, unit) {
    const today = todayIn(metric.timezone), points = {}, sum = {};
    for (const name of Object.keys(metric.measures)) {
      const i = rows ? rows.query.metrics.indexOf(`${metric.id}.${name}`) : -1;
      points[name] = i < 0 ? [] : pointsOf(rows, i, unit, today);
      sum[name] = totalOf(sums, `${metric.id}.${name}`, points[name]);
    }
    return { points, sum };
  }

  #show(state, { metric, measure, unit, rows, sums, points, sum }) {
    const answer = rows ?? sums, own = points[measure];
    const marks = rows ? marksOf(rows.meta, metric.id, own, unit, (moment) => todayIn(metric.timezone, new Date(moment))) : [];
    const worth = notable(own, unit), line = isLine(metric.measures[measure]);
    if (!line) marks.push(...fallMark(own, worth?.fall));
    this.measures.update(metric, measure, sum, own.length > 1);
    this.card.update({
      name: `${words(metric.id)}: ${words(measure)}`, note: measureNote(metric.measures[measure]), unit, points: own, marks,
      line, notable: worth,
      compared: answer?.query.compare ? spanName(answer.query.compare) : "", unfit: isUnfit(metric.measures[measure]),
      beforeName: this.#beforeName(state, answer, unit),
    });
    if (!answer) return;
    renew(this.notes, JSON.stringify(answer.meta), () => qualityNotes(answer.meta, (change) => this.app.link(change)));
    this.app.header.complete(answer.meta.complete_until);
  }

  /** How a row's comparison is named: its day, and for weeks and months what all are compared with. */
  #beforeName(state, answer, unit) {
    const compared = answer?.query.compare, span = answer?.query.date_range;
    if (!compared || !["day", "hour"].includes(unit)) return null;
    return (point) => longDay(comparedDay(point.label, span, compared, state.compare));
  }

  #name(state, metric) {
    this.back.href = this.app.link({ metric: "", view: "overview" });
    say(this.title, metric.id === "_rejected" ? "rejected records" : words(metric.id));
    say(this.about, metric.description);
    const { id, where, measures, breakdowns, revision } = metric;
    renew(this.definition, revision ?? id, () => revision ? [
      h("summary", {}, "How it is defined"),
      h("pre", { tabindex: 0 }, JSON.stringify({ id, where, measures, breakdowns }, null, 2)), h("p", { class: "soft" }, `Revision ${revision}`),
    ] : []);
    this.definition.hidden = !revision;
    renew(this.filter, JSON.stringify([state.by, state.value]), () => state.value === null ? [] : h("p", { class: "filtered" },
      "Only ", h("b", {}, state.value), ` of ${state.by || metric.breakdowns[0]} `, h("a", { href: this.app.link({ value: null }) }, "Show all")));
  }

  #unknown(state) {
    say(this.title, "There is no such metric");
    say(this.about, `${this.app.account} has no metric “${state.metric}”.`);
    this.back.href = this.app.link({ metric: "", view: "overview" });
    for (const node of [this.measures.node, this.card.node, this.breakdowns.node, this.definition]) node.hidden = true;
  }

  #pick(point) {
    const { unit } = this.card.model;
    if (unit === "hour") return;
    const today = this.app.today;
    if (unit === "day") this.app.go({ range: point.label === today ? PRESETS[0][0] : [point.label, point.label] });
    else this.app.go({ range: this.card.spanOf(point) });
  }
}
