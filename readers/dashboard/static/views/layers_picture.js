// Owns the picture of a layer: its buckets as a bar, a row for each time that something changed, and whose they were.

import { h, renew, say } from "../dom.js";
import { full, share } from "../format.js";
import { freeOf, layerRows, rowNow } from "../experiments/layer_rows.js";
import { momentText } from "../experiments/say.js";

const ROWS_MAX = 12;

export class LayerPicture {
  constructor(app) {
    this.app = app;
    this.title = h("h2", {});
    this.note = h("p", { class: "soft" });
    this.rows = h("div", { class: "layer-rows" });
    this.legend = h("p", { class: "legend" });
    this.node = h("section", { class: "card layer" }, h("header", {}, h("div", {}, this.title, this.note)), this.rows, this.legend);
  }

  /** paint(experiment, variation): a class of colour. whole: with all that was before. */
  update(layer, experiments, { paint, chosen = "", whole = true, now = new Date() }) {
    const rows = layerRows(layer, experiments), current = rowNow(rows, now);
    const shown = whole ? rows.slice(-ROWS_MAX) : [current];
    this.node.setAttribute("aria-label", `Layer ${layer.id}`);
    say(this.title, `Layer ${layer.id}`);
    say(this.note, `${full(layer.buckets)} buckets, ${share(freeOf(current.stretches), layer.buckets)} free. Nobody is in two experiments of a layer.`);
    renew(this.rows, JSON.stringify([shown, layer, chosen, rows.indexOf(current), this.app.state]), () => [...shown].reverse().map((row) =>
      h("div", { class: "layer-row" }, h("div", { class: `when-row ${row === current ? "now" : "soft"}` }, this.#when(row, row === current, whole, now)),
        bucketsBar(layer, row.stretches, { paint, chosen, link: (id) => this.app.link({ experiment: id }) }))));
    renew(this.legend, JSON.stringify([shown, chosen, this.app.state]), () => legend(shown, paint, rows.length - shown.length,
      (id, text) => (id === chosen ? text : h("a", { href: this.app.link({ experiment: id }) }, text))));
  }

  #when({ from, until }, current, whole, now) {
    const zone = this.app.zone;
    if (!whole) return ["Now"];
    if (current) return ["Now", h("small", { class: "soft" }, from ? `since ${momentText(from, zone)}` : "from the beginning")];
    if (from && new Date(from) > now) return ["To come", h("small", {}, `from ${momentText(from, zone)}`)];
    return [from ? momentText(from, zone) : "At first", until ? h("small", {}, `until ${momentText(until, zone)}`) : null];
  }
}

/** A bar of all buckets. link(experiment): where a stretch leads; without it none does. */
export function bucketsBar({ buckets }, stretches, { paint, chosen = "", link = null }) {
  return h("div", { class: "buckets", role: "group", "aria-label": stretches.map((s) => said(s, buckets)).join("; ") }, stretches.map((s) => {
    const own = !chosen || s.experiment === chosen, label = s.variation ?? "free";
    const props = { class: `stretch ${s.experiment ? paint(s.experiment, s.variation) : "free"}${own ? "" : " other"}`, title: said(s, buckets) };
    const text = h("span", {}, own || !s.experiment ? label : s.experiment, h("small", {}, share(s.end - s.start, buckets)));
    const node = s.experiment && link && s.experiment !== chosen ? h("a", { ...props, href: link(s.experiment), tabindex: -1 }, text) : h("span", props, text);
    node.style.width = `${(100 * (s.end - s.start)) / buckets}%`;
    return node;
  }));
}

function said({ start, end, experiment, variation }, buckets) {
  const whose = experiment ? `${experiment}, ${variation}` : "free";
  return `${whose}: buckets ${full(start)} to ${full(end - 1)}, ${share(end - start, buckets)}`;
}

function legend(rows, paint, left, named) {
  const seen = new Map(rows.flatMap((row) => row.stretches.filter((s) => s.experiment).map((s) => [`${s.experiment}: ${s.variation}`, s])));
  return [...[...seen].map(([text, s]) => h("span", {}, h("i", { class: `key dot ${paint(s.experiment, s.variation)}` }), named(s.experiment, text))), h("span", {}, h("i", { class: "key free" }), "free"),
    left > 0 ? h("span", { class: "hint" }, `and ${left} earlier`) : null];
}
