// Owns a metric on the first page: its name and a tile for each measure.

import { Chart } from "../chart.js";
import { h } from "../dom.js";
import { words } from "../format.js";
import { updateChange, updateNumber } from "../numbers.js";
import { isLine, isUnfit, measureNote } from "../questions.js";
import { fallMark, marksOf, notable, pointsOf, totalOf } from "../series.js";
import { todayIn } from "../days.js";

const TILES_WIDE = 5; // in a row

export class Section {
  filled = false;

  constructor(app, metric) {
    this.app = app;
    this.metric = metric;
    this.title = h("a", { href: "/" }, words(metric.id));
    this.tiles = Object.entries(metric.measures).map(([name, measure]) => new Tile(name, measure));
    this.node = h("section", { class: `card metric of-${Math.min(this.tiles.length, TILES_WIDE)}`, "aria-label": words(metric.id) },
      h("header", {}, h("h2", {}, this.title), h("p", { class: "soft" }, metric.description)),
      h("div", { class: "tiles" }, this.tiles.map((tile) => tile.node)));
  }

  /** Addresses for the state that the page is in now. */
  link() {
    this.title.href = this.app.link({ metric: this.metric.id, measure: "" });
    for (const tile of this.tiles) tile.node.href = this.app.link({ metric: this.metric.id, measure: tile.name });
  }

  fill(days, sums, unit) {
    const today = todayIn(this.metric.timezone), { id, timezone } = this.metric;
    for (const tile of this.tiles) {
      const name = `${id}.${tile.name}`, i = days.query.metrics.indexOf(name);
      if (i < 0) continue;
      const points = pointsOf(days, i, unit, today);
      const marks = marksOf(days.meta, id, points, unit, (moment) => todayIn(timezone, new Date(moment)));
      if (!isLine(tile.measure)) marks.push(...fallMark(points, notable(points, unit)?.fall));
      tile.fill(points, totalOf(sums, name, points), unit, marks, days.query.compare);
    }
    this.filled = true;
  }

  close() {
    for (const tile of this.tiles) tile.chart.close();
  }
}

class Tile {
  constructor(name, measure) {
    this.name = name;
    this.measure = measure;
    this.chart = new Chart({ small: true });
    this.number = h("strong", { class: "number" }, " ");
    this.change = h("span", { class: "change none" });
    this.per = h("small", { class: "soft" }, isUnfit(measure) ? " a day" : "");
    this.node = h("a", { class: "tile loading", href: "/", title: measureNote(measure) },
      h("span", { class: "name" }, words(name)),
      h("span", { class: "figures" }, this.number, this.per, this.change), this.chart.node);
  }

  fill(points, total, unit, marks, compared) {
    this.node.classList.remove("loading");
    updateNumber(this.number, total.value);
    updateChange(this.change, total.change);
    this.per.textContent = total.mean && points.length > 1 ? " a day" : "";
    this.chart.update({ name: words(this.name), points, unit, line: isLine(this.measure), marks, compared: compared ? "before" : "" });
  }
}
