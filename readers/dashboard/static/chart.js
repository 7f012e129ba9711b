// Owns one chart in its box: drawn by uPlot, changed in place, sized with the box, walked through with the keyboard.

import uPlot from "./vendor/uPlot.js";
import { h, say } from "./dom.js";
import { rowName } from "./days.js";
import { change, full } from "./format.js";
import { chartOptions, columnsOf } from "./plot_options.js";
import { highlight, markers, tooltip } from "./plot_plugins.js";
import { offTheme, onTheme } from "./theme.js";

export class Chart {
  #plot = null;
  #shape = "";
  #model = { points: [], marks: [] };

  /** onPick(point): a row that can be chosen was, by pointer or Enter. */
  constructor({ small = false, onPick = null } = {}) {
    this.small = small;
    this.onPick = onPick;
    this.box = h("div", { class: small ? "plot small" : "plot" });
    this.said = h("div", { class: "unseen", "aria-live": "polite" });
    this.node = h("div", small ? { class: "chart", "aria-hidden": "true" } : { class: "chart", tabindex: 0, role: "group" }, this.box, this.said);
    if (!small) this.node.addEventListener("keydown", (event) => this.#onKey(event));
    if (!small) this.node.addEventListener("blur", () => this.#move(null));
    this.box.addEventListener("click", () => this.#pick());
    this.redraw = () => this.#plot?.redraw();
    onTheme(this.redraw);
    this.sizes = new ResizeObserver(() => this.#resize());
    this.sizes.observe(this.box);
  }

  /** model: { name, points, unit, line, marks, compared, beforeName, choosable }: what is shown now. */
  update(model) {
    this.#model = model;
    const shape = JSON.stringify([model.points.length, model.unit, model.line, model.points[0]?.label]);
    if (!this.small) this.node.setAttribute("aria-label", this.#label());
    this.box.classList.toggle("choosable", Boolean(model.choosable));
    if (shape !== this.#shape || !this.#plot) this.#build(shape);
    else this.#plot.setData(columnsOf(model.points, model.line));
  }

  close() {
    this.sizes.disconnect();
    offTheme(this.redraw);
    this.#plot?.destroy();
    this.#plot = null;
  }

  #build(shape) {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height || !this.#model.points.length) return; // not laid out yet: the observer comes back
    this.#plot?.destroy();
    this.#shape = shape;
    const plugins = [highlight(), markers(() => this.#model.marks ?? []), tooltip((i) => this.#describe(i))];
    const options = chartOptions({ ...this.#model, small: this.small, width, height, plugins });
    this.#plot = new uPlot(options, columnsOf(this.#model.points, this.#model.line), this.box);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!this.#plot) this.#build(this.#shape);
    else if (width && (width !== this.#plot.width || height !== this.#plot.height)) this.#plot.setSize({ width, height });
  }

  #describe(i) {
    const { points, unit, compared, marks, beforeName } = this.#model, point = points[i];
    if (!point) return null;
    const lines = [[rowName(point.label, unit), "strong"], [full(point.value) + (point.open ? " so far" : ""), "value"]];
    if (compared) {
      const moved = change(point.change);
      lines.push([`${beforeName?.(point) ?? compared}: ${full(point.before)}${moved ? ` (${moved.text})` : ""}`, "soft"]);
    }
    for (const mark of marks ?? []) if (mark.index <= i && i <= (mark.end ?? mark.index)) lines.push([mark.text, "mark"]);
    return lines;
  }

  #label() {
    const { name, points, unit } = this.#model;
    const rows = `${points.length} ${unit}${points.length === 1 ? "" : "s"}`;
    return `Chart of ${name}, ${rows}. Arrow keys read it${this.#model.choosable ? ", Enter opens the one you are at" : ""}. A table is below.`;
  }

  #onKey(event) {
    const last = this.#model.points.length - 1, at = this.#plot?.kept ?? null;
    const to = { ArrowRight: at === null ? 0 : at + 1, ArrowLeft: at === null ? last : at - 1, Home: 0, End: last }[event.key];
    if (to !== undefined) {
      this.#move(Math.max(0, Math.min(last, to)));
      event.preventDefault();
    } else if (event.key === "Enter") this.#pick();
    else if (event.key === "Escape") this.#move(null);
  }

  #move(i) {
    if (!this.#plot) return;
    const left = i === null ? -10 : this.#plot.valToPos(i, "x");
    this.#plot.setCursor({ left, top: i === null ? -10 : 10 });
    if (i !== null) say(this.said, this.#describe(i).map(([text]) => text).join(", "));
  }

  #pick() {
    const point = this.#model.points[this.#plot?.kept ?? -1];
    if (point && this.#model.choosable) this.onPick?.(point);
  }
}
