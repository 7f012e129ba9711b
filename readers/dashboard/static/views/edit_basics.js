// Owns the first part of the form: the name, the layer, whether it runs, and from when to when.

import { h } from "../dom.js";
import { choice, typed } from "./edit_fields.js";

const NEW_LAYER = ""; // the choice of one that is made with the experiment
const STATUS = [["draft", "Draft: nobody is assigned"], ["running", "Running"], ["stopped", "Stopped: its buckets are free"]];

export class EditBasics {
  constructor(fields) {
    this.fields = fields;
    this.body = h("div", { class: "fields" });
    this.node = h("section", { class: "card", "aria-label": "What it is" }, h("h2", {}, "What it is"), this.body);
  }

  /** form: { draft, layers, isNew, layer: { id, buckets } of a new one }. changed(what). */
  show({ draft, layers, isNew, hasRun, newLayer }, changed) {
    const { rest } = draft, field = (...more) => this.fields.field(...more);
    const id = typed(rest, "id", { required: true, pattern: "[a-z0-9_]{1,64}", readonly: !isNew, placeholder: "hero_cta" }, () => changed("id"));
    const known = [...layers.map((l) => [l.id, `${l.id} (${l.buckets} buckets)`]), [NEW_LAYER, "A new layer …"]];
    const status = STATUS.filter(([name]) => (hasRun ? name !== "draft" : name !== "stopped"));
    this.body.replaceChildren(
      field("Id", id, { pointer: () => "/id", hint: isNew ? "a-z, 0-9 and _; it stays" : "" }),
      field("Status", choice(rest, "status", status, () => changed("status")), { pointer: () => "/status" }),
      field("Layer", choice(rest, "layer", known, () => changed("layer")), { pointer: () => "/layer", hint: "In one layer nobody is in two experiments" }),
      ...(rest.layer === NEW_LAYER ? this.#newLayer(newLayer, changed) : []),
      field("Description", typed(rest, "description", { placeholder: "What is asked, in a sentence" }), { pointer: () => "/description", wide: true }),
      h("details", { class: "wide", open: Boolean(rest.start || rest.end) }, h("summary", {}, "Times"), h("div", { class: "fields" },
        field("Change takes effect", typed(rest, "effective_at", { placeholder: "now" }), { pointer: () => "/effective_at", hint: "as 2026-10-01T09:00:00+02:00" }),
        field("Start", typed(rest, "start", { placeholder: "whenever it runs" }), { pointer: () => "/start" }),
        field("End", typed(rest, "end", { placeholder: "none" }), { pointer: () => "/end" }))));
  }

  #newLayer(layer, changed) {
    const sizes = [64, 256, 1024, 4096, 16384].map((n) => [String(n), `${n} buckets`]);
    return [
      this.fields.field("New layer", typed(layer, "id", { required: true, pattern: "[a-z0-9_]{1,64}", placeholder: "homepage" }), { pointer: () => "/new_layer" }),
      this.fields.field("Its buckets", choice(layer, "buckets", sizes, () => changed("buckets")), { pointer: () => "/new_layer/buckets", hint: "They stay; 1,024 do for shares of a tenth of a percent" }),
    ];
  }
}
