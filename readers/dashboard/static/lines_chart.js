// Owns the chart of several values over time, each a line of its own colour.

import uPlot from "./vendor/uPlot.js";
import { h } from "./dom.js";
import { rowName } from "./days.js";
import { full } from "./format.js";
import { linesOptions } from "./plot_options.js";
import { tooltip, zeroLine } from "./plot_plugins.js";
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

  /** model: { name, unit, labels, series: [{ name, colour, values, low, high }], heights, tick, tell, zero }: low and high are a
   *  band around the values; tell(series, i): what the box beside the pointer says; zero: a line at 0. */
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
    const data = [labels.map((_, i) => i), ...series.flatMap((s) => (s.low ? [s.values, s.low, s.high] : [s.values]))];
    const shape = JSON.stringify([labels, unit, series.map((s) => [s.colour, Boolean(s.low)]), this.#model.name]);
    if (this.#plot && shape === this.#shape) {
      if (width !== this.#plot.width || height !== this.#plot.height) this.#plot.setSize({ width, height });
      this.#plot.setData(data);
      return;
    }
    this.#plot?.destroy();
    this.#shape = shape;
    const plugins = [tooltip((i) => this.#describe(i)), ...(this.#model.zero ? [zeroLine()] : [])];
    const heights = () => this.#model.heights;
    this.#plot = new uPlot(linesOptions({ labels, unit, series, heights, tick: this.#model.tick, width, height, plugins }), data, this.node);
  }

  #describe(i) {
    const { labels, unit, series, tell = (s, at) => full(s.values[at]) } = this.#model;
    return [[rowName(labels[i], unit), "strong"], ...series.map((s) => [`${s.name}: ${tell(s, i)}`, s.colour])];
  }
}
