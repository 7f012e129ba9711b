// Owns the part of the form about events and visitors: what shows an exposure, who is eligible, what results are cut by.

import { h } from "../dom.js";
import { typed } from "./edit_fields.js";

export class EditConditions {
  constructor(fields) {
    this.fields = fields;
    this.body = h("div", { class: "fields" });
    this.node = h("section", { class: "card", "aria-label": "Exposure" }, h("h2", {}, "Who has seen it"), this.body);
  }

  show({ draft }, changed) {
    const field = (...more) => this.fields.field(...more);
    this.where = typed(draft, "where", { rows: 4 }, () => changed("where"));
    this.body.replaceChildren(
      field("Event that shows a variation", this.where, { pointer: () => "/exposure", hint: "A condition on events, as metrics have it", wide: true }),
      field("Where the variation stands in it", typed(draft, "path", { placeholder: "properties.variationName" }), { pointer: () => "/exposure/variation" }),
      field("Break results down by", typed(draft, "breakdowns", { placeholder: "context.traits.plan" }), { pointer: () => "/breakdowns", hint: "Paths in that event, with commas between" }),
      field("Who is eligible", typed(draft, "eligible", { rows: 3, placeholder: "{\"country\": {\"$in\": [\"UK\", \"DK\"]}}" }, () => changed("eligible")), { pointer: () => "/eligible", hint: "A condition on the attributes of a request; empty: everybody", wide: true }));
  }
}
