// Owns asking for an API key, where the service wants one.

import { h, say } from "../dom.js";

export class KeyView {
  constructor(app) {
    this.field = h("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true, placeholder: "dc_read_…" });
    this.why = h("p", { class: "bad", role: "alert" });
    const form = h("form", { class: "card key" },
      h("h1", {}, "This service wants an API key"),
      h("p", { class: "soft" }, "It decides whose numbers you see. It is kept in this tab and forgotten with it."),
      h("label", { for: "key" }, "API key"), h("div", { class: "row" }, this.field, h("button", { class: "main" }, "Show the numbers")), this.why);
    form.addEventListener("submit", (event) => { event.preventDefault(); app.useKey(this.field.value.trim()); });
    this.node = form;
    queueMicrotask(() => this.field.focus());
  }

  /** why: what was wrong with the last one. */
  ask(why) {
    say(this.why, why);
  }

  async refresh() {}
}
