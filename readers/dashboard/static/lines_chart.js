// Owns the chart of several values over time, each a line of its own colour.

import uPlot from "./vendor/uPlot.js";
import { h } from "./dom.js";
import { rowName } from "./days.js";
import { full } from "./format.js";
import { linesOptions } from "./plot_options.js";
import { tooltip } from "./plot_plugins.js";
import { offTheme, onTheme } from "./theme.js";

export class LinesChart {
  #plot = null;
  #shape = "";
  #model = { labels: [], series: [] };

  constructor() {
    this.node = h("div", { class: "plot lines", role: "img" });
    this.redraw = () => this.#plot?.redraw();
    onTheme(this.redraw);
    this.sizes = new ResizeObserver(() => this.#fit());
    this.sizes.observe(this.node);
  }

  /** model: { name, unit, labels, series: [{ name, colour, values }] }. */
  update(model) {
    this.#model = model;
    this.node.setAttribute("aria-label", `${model.name} over time for ${model.series.map((s) => s.name).join(", ")}`);
    this.#fit();
  }

  close() {
    this.sizes.disconnect();
    offTheme(this.redraw);
    this.#plot?.destroy();
  }

  #fit() {
    const { labels, series, unit } = this.#model, { clientWidth: width, clientHeight: height } = this.node;
    if (!width || !labels.length) return;
    const data = [labels.map((_, i) => i), ...series.map((s) => s.values)];
    const shape = JSON.stringify([labels, unit, series.map((s) => s.colour)]);
    if (this.#plot && shape === this.#shape) {
      if (width !== this.#plot.width || height !== this.#plot.height) this.#plot.setSize({ width, height });
      this.#plot.setData(data);
      return;
    }
    this.#plot?.destroy();
    this.#shape = shape;
    this.#plot = new uPlot(linesOptions({ labels, unit, series, width, height, plugins: [tooltip((i) => this.#describe(i))] }), data, this.node);
  }

  #describe(i) {
    const { labels, unit, series } = this.#model;
    return [[rowName(labels[i], unit), "strong"], ...series.map((s) => [`${s.name}: ${full(s.values[i])}`, s.colour])];
  }
}
