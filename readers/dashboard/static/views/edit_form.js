// Owns the form of a definition: its parts, and what they come to together.

import { h } from "../dom.js";
import { definitionOf, draftOf } from "../experiments/draft.js";
import { EditBasics } from "./edit_basics.js";
import { EditConditions } from "./edit_conditions.js";
import { Fields } from "./edit_fields.js";
import { EditGoals } from "./edit_goals.js";
import { EditVariations } from "./edit_variations.js";

const BUCKETS = "1024"; // of a new layer

export class EditForm {
  /** changed(): something that is written here is another. */
  constructor(changed) {
    this.changed = changed;
    this.fields = new Fields();
    this.parts = { basics: new EditBasics(this.fields), variations: new EditVariations(this.fields), goals: new EditGoals(this.fields), conditions: new EditConditions(this.fields) };
    this.node = h("div", {}, Object.values(this.parts).map((part) => part.node));
  }

  /** around: { layers, experiments, metrics, isNew, hasRun }. */
  lay(definition, around) {
    const buckets = around.layers.find((l) => l.id === definition.layer)?.buckets ?? Number(BUCKETS);
    this.model = { ...around, draft: draftOf(definition, buckets), newLayer: { id: "", buckets: BUCKETS } };
    this.#show();
  }

  /** { definition, faults: [{ pointer, text }] } as it is written now. */
  read() {
    const { draft, newLayer } = this.model, { allocation, fault } = this.parts.variations.allocation();
    const read = definitionOf(draft, allocation ?? {});
    if (fault) read.faults.push({ pointer: `/allocation/${draft.variations[0]?.id}`, text: fault });
    if (!read.definition.layer) read.definition.layer = newLayer.id;
    return read;
  }

  /** The layer that is to be made with the experiment: { id, buckets }, or null. */
  get layerToMake() {
    const { draft, newLayer } = this.model;
    return draft.rest.layer ? null : { id: newLayer.id, buckets: Number(newLayer.buckets) };
  }

  layerMade(layer) {
    this.model.layers.push(layer);
    this.model.draft.rest.layer = layer.id;
    this.#show();
  }

  #show() {
    const { model } = this, layer = model.layers.find((l) => l.id === model.draft.rest.layer);
    Object.assign(model, { layer: layer ?? model.newLayer, bucketsOfLayer: Number((layer ?? model.newLayer).buckets) });
    this.parts.basics.show(model, (what) => this.#changed(what));
    this.parts.variations.show(model, () => this.changed());
    this.parts.goals.show(model, () => this.changed());
    this.parts.conditions.show(model, (what) => this.#changed(what));
    this.changed();
  }

  #changed(what) {
    const { draft, isNew } = this.model;
    // Another layer has other buckets: shares are kept, and none of the ranges.
    if (what === "layer") Object.assign(draft, { held: {}, variations: draft.variations.map((v) => ({ ...v, exact: null })) });
    if (what === "layer" || what === "buckets") this.#show();
    if (what === "status") this.parts.variations.draw();
    if (what === "where") draft.ownWhere = true;
    if (what === "id" && isNew && !draft.ownWhere) {
      draft.where = JSON.stringify({ event: "Experiment Viewed", "properties.experimentName": draft.rest.id }, null, 2);
      this.parts.conditions.where.value = draft.where;
    }
    this.changed();
  }
}
