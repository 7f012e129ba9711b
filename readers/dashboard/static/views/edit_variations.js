// Owns the part of the form about variations: parameters and their values, shares, and the buckets these come to.

import { h } from "../dom.js";
import { full } from "../format.js";
import { allocate, moved } from "../experiments/allocator.js";
import { heldOf, isUntouched, ramp, TYPES, wantedOf } from "../experiments/draft.js";
import { filled, takenBy } from "../experiments/layer_rows.js";
import { choice, small, typed } from "./edit_fields.js";
import { bucketsBar } from "./layers_picture.js";

const RAMPS = [1, 5, 10, 25, 50, 100];
const OWN = "this experiment";

export class EditVariations {
  constructor(fields) {
    this.fields = fields;
    this.parameters = h("div", { class: "rows" });
    this.variations = h("div", { class: "rows" });
    this.picture = h("div", { class: "preview", "aria-live": "polite" });
    this.ramps = h("div", { class: "choices", role: "group", "aria-label": "Share of the layer" }, RAMPS.map((n) => h("button", { type: "button", onclick: () => this.#ramp(n) }, `${n} %`)));
    this.node = h("section", { class: "card", "aria-label": "Variations" }, h("h2", {}, "Variations"),
      h("h3", {}, "Parameters they set"), this.parameters, h("h3", {}, "Who gets what"), this.variations,
      h("div", { class: "row" }, h("span", { class: "soft" }, "All together"), this.ramps, h("span", { class: "soft" }, "of the layer")), this.picture);
  }

  /** form: { draft, layer of the draft, experiments }. changed: called after each change. */
  show(form, changed = this.changed) {
    this.form = form;
    this.changed = changed;
    const { draft } = form;
    this.parameters.replaceChildren(...draft.parameters.map((p, n) => this.#parameter(p, n)), small("Add a parameter", "Add a parameter", () => this.#change(() => {
      draft.parameters.push({ name: "", type: "string", default: "" });
      for (const v of draft.variations) v.values.push("");
    })));
    this.variations.replaceChildren(...draft.variations.map((v, i) => this.#variation(v, i)), small("Add a variation", "Add a variation", () => this.#change(() =>
      draft.variations.push({ id: "", before: null, percent: "0", exact: null, values: draft.parameters.map(() => "") }))));
    this.draw();
  }

  /** { allocation } for the shares, or { fault }. */
  allocation() {
    const { draft, bucketsOfLayer: buckets, layer, experiments } = this.form, taken = takenBy(layer, experiments, draft.rest.id);
    // Drafts may wait for buckets that others still have.
    if (draft.rest.status === "draft" && isUntouched(draft)) return { allocation: heldOf(draft), taken };
    const wanted = wantedOf(draft, buckets);
    const allocation = allocate({ buckets, held: heldOf(draft), taken, wanted });
    const free = buckets - taken.reduce((sum, t) => sum + t.end - t.start, 0);
    return allocation ? { allocation, taken } : { fault: `Only ${((100 * free) / buckets).toFixed(1)} % of layer ${layer.id} is free: others have the rest.`, taken };
  }

  draw() {
    const { draft, layer, bucketsOfLayer: buckets } = this.form, { allocation, fault, taken } = this.allocation();
    if (fault) return this.picture.replaceChildren(h("p", { class: "bad" }, fault));
    const order = draft.variations.map((v) => v.id).filter((id) => id !== draft.rest.control);
    const paint = (experiment, variation) => (experiment !== OWN ? "others" : variation === draft.rest.control ? "c0" : `c${(order.indexOf(variation) % 5) + 1}`);
    const own = Object.entries(allocation).flatMap(([variation, ranges]) => ranges.map(([start, end]) => ({ start, end, experiment: OWN, variation })));
    const changes = moved(heldOf(draft), allocation, buckets);
    const waits = own.some((one) => taken.some((other) => one.start < other.end && other.start < one.end));
    this.picture.replaceChildren(bucketsBar({ ...layer, buckets }, filled(waits ? own : [...own, ...taken], buckets), { paint, chosen: OWN }),
      h("p", { class: "soft fine" }, waits ? "Others that run have some of these buckets: it can't start with them." :
        changes ? `${full(changes)} of ${full(buckets)} buckets change hands; everybody else stays where they are.` : "No bucket changes hands."));
    return undefined;
  }

  #parameter(p, n) {
    const at = () => `/parameters/${p.name}`;
    return h("div", { class: "fields" },
      this.fields.field("Parameter", typed(p, "name", { required: true, placeholder: "cta" }, () => this.#relabel()), { pointer: at }),
      this.fields.field("Type", choice(p, "type", TYPES.map((t) => [t, t])), { pointer: () => `${at()}/type` }),
      this.fields.field("Default", typed(p, "default"), { pointer: () => `${at()}/default` }),
      small("×", `Remove parameter ${p.name}`, () => this.#change((draft) => {
        draft.parameters.splice(n, 1);
        for (const v of draft.variations) v.values.splice(n, 1);
      })));
  }

  #variation(v, i) {
    const { draft } = this.form, at = `/variations/${i}`;
    const control = h("input", { type: "radio", name: "control", checked: draft.rest.control === v.id, onchange: () => { draft.rest.control = v.id; this.draw(); this.changed(); } });
    const id = typed(v, "id", { required: true, placeholder: "friendly" }, () => { if (control.checked) draft.rest.control = v.id; this.draw(); this.changed(); });
    const percent = typed(v, "percent", { type: "number", min: 0, max: 100, step: "any", required: true }, () => { v.exact = null; this.draw(); this.changed(); });
    return h("div", { class: "fields variation" },
      this.fields.field("Variation", id, { pointer: () => at }),
      this.fields.field("Percent", percent, { pointer: () => `/allocation/${v.id}` }),
      draft.parameters.map((p, n) => this.fields.field(p.name || "parameter", typed(v.values, n, { placeholder: p.default }, () => this.changed()), { pointer: () => `${at}/parameters/${p.name}` })),
      this.fields.field("Control", control, { pointer: () => (draft.rest.control === v.id ? "/control" : "-") }),
      small("×", `Remove variation ${v.id}`, () => this.#change(() => draft.variations.splice(i, 1))));
  }

  /** Labels of values follow the parameter's name without taking the focus from it. */
  #relabel() {
    for (const row of this.variations.querySelectorAll(".variation"))
      this.form.draft.parameters.forEach((p, n) => { row.querySelectorAll(".name")[n + 2].textContent = p.name || "parameter"; });
  }

  #ramp(percent) {
    this.#change((draft) => ramp(draft, percent));
  }

  #change(make) {
    make(this.form.draft);
    this.show(this.form);
    this.changed();
  }
}

