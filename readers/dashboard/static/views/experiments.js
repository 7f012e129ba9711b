// Owns the list of the account's experiments, each with its verdict in a sentence, and their layers as they are now.

import { Refused } from "../ask.js";
import { h, renew } from "../dom.js";
import { full, words } from "../format.js";
import { coloursOf, placeOf } from "../experiments/places.js";
import { countText, sinceText, verdictOf, visitorsOf } from "../experiments/say.js";
import { asOfNow } from "../experiments/whole.js";
import { LayerPicture } from "./layers_picture.js";

const ORDER = ["running", "draft", "stopped"];
const COLOURS = 5;
const NOT_STARTED = { kind: "draft", title: "Not started yet", reason: "Nobody is assigned to it until it is started." };
const ASKED = { kind: "draft", title: "", reason: "Asking for the numbers …" };

export class ExperimentsView {
  rhythm = "open";
  #over = new Map(); // of those that are stopped: asked once
  #layers = new Map();

  constructor(app) {
    this.app = app;
    this.make = h("a", { class: "button main", href: "/" }, "New experiment");
    this.list = h("div", { class: "trials" });
    this.layers = h("div", {});
    this.node = h("div", { class: "experiments" }, h("div", { class: "row head" }, h("h1", {}, "Experiments"), this.make), this.list, this.layers);
  }

  async refresh(state, current) {
    const get = (kind, ...more) => this.app.service.get(placeOf(this.app, kind, ...more));
    const [{ experiments, problems = [] }, { layers }] = await Promise.all([get("experiments"), get("layers")]);
    const sorted = [...experiments].sort((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.id.localeCompare(b.id));
    if (!current()) return;
    if (!this.list.childElementCount) this.#show(state, sorted, sorted.map(() => undefined), problems);
    this.#draw(layers, experiments);
    const found = await Promise.all(sorted.map((experiment) => this.#results(experiment)));
    if (current()) this.#show(state, sorted, found, problems);
  }

  /** found: results of each; null: none are to come, undefined: they are asked for. */
  #show(state, sorted, found, problems) {
    this.make.href = this.app.link({ view: "edit", experiment: "" });
    this.make.hidden = !this.app.service.mayWrite;
    renew(this.list, JSON.stringify([sorted, found.map(brief), problems, state]), () => [
      ...problems.map(({ detail }) => h("p", { class: "notice bad" }, h("strong", {}, "A definition is passed over"), ` ${detail}`)),
      ...sorted.map((experiment, i) => this.#row(experiment, found[i])), sorted.length ? null : empty()]);
  }

  async #results(experiment) {
    const key = JSON.stringify(experiment);
    if (experiment.status === "draft") return null;
    if (this.#over.has(key)) return this.#over.get(key);
    try {
      const results = await this.app.service.get(placeOf(this.app, "experiments", experiment.id, "/results"));
      if (experiment.status === "stopped") this.#over.set(key, results);
      return results;
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return null; // deleted meanwhile
      throw error;
    }
  }

  #row(experiment, results) {
    const verdict = results ? verdictOf(results) : results === null ? NOT_STARTED : ASKED;
    const visitors = results ? visitorsOf(results) : null, colours = coloursOf(experiment);
    return h("a", { class: "card trial", href: this.app.link({ experiment: experiment.id }), "data-key": experiment.id, "data-kind": verdict.kind },
      h("div", {}, h("h2", {}, words(experiment.id), " ", badge(experiment.status)), h("p", { class: "soft" }, experiment.description || `in layer ${experiment.layer}`),
        h("p", { class: "legend" }, experiment.variations.map((v) => h("span", {}, h("i", { class: `key dot ${colours.get(v.id)}` }), v.id)))),
      h("div", { class: "outcome" }, h("b", {}, verdict.title), h("p", {}, verdict.reason)),
      h("div", { class: "count" }, h("strong", { class: "number", title: full(visitors) }, visitors === null ? "–" : countText(visitors)), h("small", { class: "soft" }, "visitors"),
        results ? h("small", { class: "soft" }, sinceText(results, this.app.zone)) : null));
  }

  #draw(layers, experiments) {
    const order = experiments.map((e) => e.id).sort();
    const paint = (id, variation) => `c${(order.indexOf(id) % COLOURS) + 1}${variation === experiments.find((e) => e.id === id)?.control ? " pale" : ""}`;
    const pictures = layers.map((layer) => {
      if (!this.#layers.has(layer.id)) this.#layers.set(layer.id, new LayerPicture(this.app));
      const picture = this.#layers.get(layer.id);
      picture.update(layer, experiments.map(asOfNow), { paint, whole: false });
      return picture;
    });
    renew(this.layers, JSON.stringify(layers), () => pictures.map((picture) => picture.node));
  }
}

/** What a row shows of results. */
const brief = (results) => results === null ? "none" : results && [results.decision, results.sample_ratio, results.since, results.until];

export const badge = (status) => h("small", { class: `badge ${status}` }, status);

function empty() {
  return h("div", { class: "card empty" }, h("h2", {}, "No experiments are defined yet"),
    h("p", {}, "An experiment shows variations of something to parts of the visitors, and tells which does better."));
}
