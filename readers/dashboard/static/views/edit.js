// Owns making and changing an experiment: a form, the same as JSON, and what the service says of it.

import { Refused } from "../ask.js";
import { h, say } from "../dom.js";
import { words } from "../format.js";
import { definitionOf, draftOf, newDefinition, opensEpoch } from "../experiments/draft.js";
import { takenBy } from "../experiments/layer_rows.js";
import { placeOf } from "../experiments/places.js";
import { definitionOf as withoutShown } from "./experiment_actions.js";
import { EditBasics } from "./edit_basics.js";
import { EditConditions } from "./edit_conditions.js";
import { Fields } from "./edit_fields.js";
import { EditGoals, goalsOf } from "./edit_goals.js";
import { EditVariations } from "./edit_variations.js";

const BUCKETS = "1024"; // of a new layer
const DRAFT = "draft";

/** The layer of which most is free; "" where there is none. */
function roomiest(layers, experiments) {
  const free = (layer) => 1 - takenBy(layer, experiments, "").reduce((sum, { start, end }) => sum + end - start, 0) / layer.buckets;
  return [...layers].sort((a, b) => free(b) - free(a))[0]?.id ?? "";
}

export class EditView {
  rhythm = "closed";
  #loaded = null;

  constructor(app) {
    this.app = app;
    this.fields = new Fields();
    this.parts = { basics: new EditBasics(this.fields), variations: new EditVariations(this.fields), goals: new EditGoals(this.fields), conditions: new EditConditions(this.fields) };
    this.back = h("a", { class: "back", href: "/" }, "‹ Back");
    this.title = h("h1", {});
    this.text = h("textarea", { id: "definition", rows: 28, spellcheck: "false", autocomplete: "off" });
    this.json = h("section", { class: "card", hidden: true }, h("label", { for: "definition" }, "The definition as JSON"), this.text);
    this.form = h("div", {}, Object.values(this.parts).map((part) => part.node));
    this.toggle = h("button", { type: "button", "aria-pressed": "false", onclick: () => this.#turn() }, "Edit as JSON");
    this.wrong = h("p", { class: "bad", role: "alert" });
    this.note = h("span", { class: "soft" });
    this.save = h("button", { class: "main" }, "Save");
    const form = h("form", { novalidate: true }, this.form, this.json, h("div", { class: "card row save" }, this.save, this.note, this.wrong));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#save(); });
    this.node = h("div", { class: "edit" }, this.back, h("div", { class: "row head" }, this.title, this.toggle), form);
  }

  /** What is being written is not taken away: only another experiment is read anew. */
  async refresh(state, current) {
    this.back.href = this.app.link({ view: state.experiment ? "experiment" : "experiments", experiment: state.experiment });
    if (this.#loaded?.name === state.experiment) return;
    const get = (kind, ...more) => this.app.service.get(placeOf(this.app, kind, ...more));
    const [{ experiments }, { layers }, own] = await Promise.all([get("experiments"), get("layers"), state.experiment ? get("experiments", state.experiment) : null]);
    if (!current()) return;
    const goals = goalsOf(this.app.mine);
    const definition = own ? withoutShown(own) : newDefinition(roomiest(layers, experiments), goals[0]);
    this.#loaded = { name: state.experiment, definition, experiments, layers, tag: own ? this.app.service.tagOf(placeOf(this.app, "experiments", own.id)) : null };
    this.#loaded.hasRun = Boolean(own) && (own.status !== DRAFT || own.epochs.length > 1);
    say(this.title, own ? `Edit ${words(own.id)}` : "New experiment");
    this.#lay(definition);
  }

  #lay(definition) {
    const { layers, experiments, name } = this.#loaded, buckets = layers.find((l) => l.id === definition.layer)?.buckets ?? Number(BUCKETS);
    this.model = { draft: draftOf(definition, buckets), layers, experiments, metrics: this.app.mine, isNew: !name, hasRun: this.#loaded.hasRun, newLayer: { id: "", buckets: BUCKETS } };
    this.#show();
  }

  #show() {
    const { model } = this, layer = model.layers.find((l) => l.id === model.draft.rest.layer);
    Object.assign(model, { layer: layer ?? model.newLayer, bucketsOfLayer: Number((layer ?? model.newLayer).buckets) });
    this.parts.basics.show({ ...model, layer: model.newLayer }, (what) => this.#changed(what));
    this.parts.variations.show(model, () => this.#changed("variations"));
    this.parts.goals.show(model, () => {});
    this.parts.conditions.show(model, (what) => this.#changed(what));
    this.#tell();
  }

  #changed(what) {
    const { draft } = this.model;
    // Another layer has other buckets: shares are kept, and none of the ranges.
    if (what === "layer") Object.assign(draft, { held: {}, variations: draft.variations.map((v) => ({ ...v, exact: null })) });
    if (what === "layer" || what === "buckets") this.#show();
    if (what === "where") draft.ownWhere = true;
    if (what === "id" && this.model.isNew && !draft.ownWhere) {
      draft.where = JSON.stringify({ event: "Experiment Viewed", "properties.experimentName": draft.rest.id }, null, 2);
      this.parts.conditions.where.value = draft.where;
    }
    this.#tell();
  }

  #tell() {
    const { definition } = this.#read();
    const opens = definition && this.#loaded.name && opensEpoch(this.#loaded.definition, definition);
    say(this.note, opens ? "Who gets what changes: a new epoch begins, and its results start from nothing." : "");
  }

  /** { definition, faults } of the form. */
  #read() {
    const { allocation, fault } = this.parts.variations.allocation();
    const read = definitionOf(this.model.draft, allocation ?? {});
    if (fault) read.faults.push({ pointer: `/allocation/${this.model.draft.variations[0]?.id}`, text: fault });
    if (!read.definition.layer) read.definition.layer = this.model.newLayer.id;
    return read;
  }

  /** The definition as it is written now; null where it can't be read, which is said then. */
  #written() {
    this.fields.clear();
    say(this.wrong, "");
    try {
      if (!this.json.hidden) return JSON.parse(this.text.value);
    } catch (error) {
      say(this.wrong, `That is not JSON: ${error.message}.`);
      return null;
    }
    const { definition, faults } = this.#read();
    for (const { pointer, text } of faults.reverse()) if (!this.fields.show(pointer, text)) say(this.wrong, text);
    return faults.length ? null : definition;
  }

  #turn() {
    const definition = this.#written();
    if (!definition) return;
    const asJson = this.json.hidden;
    if (asJson) this.text.value = JSON.stringify(definition, null, 2);
    else this.#lay(definition);
    this.json.hidden = !asJson;
    this.form.hidden = asJson;
    this.toggle.setAttribute("aria-pressed", String(asJson));
  }

  async #save() {
    const definition = this.#written();
    if (!definition) return;
    this.save.disabled = true;
    try {
      await this.#makeLayer();
      await this.app.service.change(placeOf(this.app, "experiments", definition.id || "-"), this.#loaded.tag, definition);
      this.#loaded = null;
      this.app.go({ view: "experiment", experiment: definition.id });
    } catch (error) {
      this.#refused(error);
    } finally {
      this.save.disabled = false;
    }
  }

  async #makeLayer() {
    const { draft, newLayer, layers } = this.model;
    if (!this.json.hidden || draft.rest.layer) return;
    const buckets = Number(newLayer.buckets);
    await this.app.service.change(placeOf(this.app, "layers", newLayer.id || "-"), null, { buckets });
    layers.push({ id: newLayer.id, buckets });
    draft.rest.layer = newLayer.id;
    this.#show();
  }

  #refused(error) {
    const shown = error instanceof Refused && error.pointer && this.json.hidden && this.fields.show(error.pointer, error.message);
    if (shown) return;
    const again = error.status === 412 ? h("button", { type: "button", onclick: () => { this.#loaded = null; this.app.refresh(); } }, "Read it again") : "";
    this.wrong.replaceChildren(`${error.message}. `, again);
  }
}
