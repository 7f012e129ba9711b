// Owns the first page: every measure of every metric as a small chart. Only what is in sight is asked for.

import { h, renew } from "../dom.js";
import { words } from "../format.js";
import { qualityNotes, together } from "../quality.js";
import { common, overTime, totals, unitOf, isUnfit } from "../questions.js";
import { Section } from "./section.js";

const TOGETHER = 8; // metrics of one query
const METRICS_MAX = 50; // that the service takes in one query
const FIND_FROM = 9; // so few are found with the eyes

const split = (list, size) => Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));

export class Overview {
  #sections = new Map();
  #seen = new Set();

  constructor(app) {
    this.app = app;
    this.find = h("input", { type: "search", placeholder: "Find a metric", "aria-label": "Find a metric", oninput: () => this.#look() });
    this.notes = h("div", { class: "notes" });
    this.list = h("div", { class: "sections" });
    this.node = h("div", { class: "overview" }, h("div", { class: "row head" }, h("h1", {}, "Overview"), this.find), this.notes, this.list);
    this.watch = new IntersectionObserver((entries) => this.#onSight(entries), { rootMargin: "300px" });
  }

  async refresh(state, current) {
    this.#lay(state);
    const shown = [...this.#seen].filter((section) => section.node.isConnected);
    if (!shown.length) return;
    const unit = unitOf(state, this.app.span), base = common(state, this.app.account, this.app.open);
    const sums = this.#sums(base);
    await Promise.all(split(shown, TOGETHER).map((group) => this.#fill(group, base, unit, sums, current)));
    const metas = (await sums).map((answer) => answer.meta);
    if (!current() || !metas.length) return;
    const meta = together(metas);
    renew(this.notes, JSON.stringify(meta), () => qualityNotes(meta, (change) => this.app.link(change)));
    this.app.header.complete(metas[0].complete_until);
  }

  close() {
    this.watch.disconnect();
    for (const section of this.#sections.values()) section.close();
  }

  /** Totals of all metrics, in sight or not: what was rejected or dropped is told of all of them. */
  #sums(base) {
    const whole = this.app.mine.filter((metric) => !Object.values(metric.measures).every(isUnfit)).map((metric) => metric.id);
    return Promise.all(split(whole, METRICS_MAX).map((names) => this.app.service.post("/v1/query", totals(base, names))));
  }

  async #fill(group, base, unit, sums, current) {
    const names = group.map((section) => section.metric.id);
    const days = await this.app.service.post("/v1/query", overTime(base, names, unit));
    const answers = await sums;
    if (!current()) return;
    for (const section of group) section.fill(days, answers.find((answer) => section.metric.id in answer.meta.metrics), unit);
  }

  /** Sections for the metrics there are, laid out before any number has come, so that nothing moves then. */
  #lay(state) {
    const { mine, problems } = this.app, find = state.find.toLowerCase();
    if (document.activeElement !== this.find) this.find.value = state.find;
    this.find.hidden = mine.length < FIND_FROM;
    const wanted = mine.filter((m) => `${m.id} ${words(m.id)} ${m.description}`.toLowerCase().includes(find));
    const sign = JSON.stringify([wanted.map((m) => [m.account, m.id, m.revision]), problems, find]);
    renew(this.list, sign, () => [...this.#problems(problems), ...wanted.map((m) => this.#section(m).node), wanted.length ? null : this.#empty(find)]);
    for (const section of this.#sections.values()) section.link();
  }

  #section(metric) {
    const key = `${metric.account}/${metric.id}@${metric.revision}`;
    if (!this.#sections.has(key)) {
      const section = new Section(this.app, metric);
      this.#sections.set(key, section);
      this.watch.observe(section.node);
    }
    return this.#sections.get(key);
  }

  #problems(problems) {
    const own = problems.filter((problem) => problem.account === this.app.account);
    return own.map((problem) => h("p", { class: "notice bad" }, h("strong", {}, "A definition is passed over"), ` ${problem.detail}`));
  }

  #empty(find) {
    if (find) return h("p", { class: "empty" }, `No metric has “${find}” in its name or description.`);
    return h("div", { class: "card empty" }, h("h2", {}, "No metrics are defined yet"),
      h("p", {}, "Say what is to be counted in a file, and push it; its numbers appear here as events come in."),
      h("pre", {}, "daycount define push FILE --definitions URL"));
  }

  #look() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.app.go({ find: this.find.value.trim() }, { replace: true }), 150);
  }

  #onSight(entries) {
    let fresh = false;
    for (const entry of entries) {
      const section = [...this.#sections.values()].find((s) => s.node === entry.target);
      if (!entry.isIntersecting) this.#seen.delete(section);
      else if (section) {
        this.#seen.add(section);
        fresh ||= !section.filled;
      }
    }
    if (fresh) this.app.refreshSoon();
  }
}
