// Owns asking why an event counts or does not.

import { Refused } from "../ask.js";
import { h, say } from "../dom.js";
import { explanation } from "./explanation.js";

const EXAMPLE = { type: "track", event: "Order Completed", messageId: "m-1", anonymousId: "visitor-1", properties: { total: 120 } };

export class ExplainView {
  constructor(app) {
    this.app = app;
    this.text = h("textarea", { id: "event", rows: 16, spellcheck: "false", required: true, autocomplete: "off" });
    this.text.value = JSON.stringify({ ...EXAMPLE, timestamp: new Date().toISOString() }, null, 2);
    this.wrong = h("p", { class: "bad", role: "alert" });
    this.answer = h("div", { class: "answer", "aria-live": "polite" }, h("p", { class: "card empty" }, "The answer stands here."));
    this.button = h("button", { class: "main" }, "Explain");
    const form = h("form", { class: "card" }, h("label", { for: "event" }, "An event as JSON"), this.text,
      h("div", { class: "row" }, this.button, h("span", { class: "soft" }, "Nothing is stored; it is only judged.")), this.wrong);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#explain(); });
    this.node = h("div", { class: "explain" }, h("h1", {}, "Why does an event count, or not?"),
      h("p", { class: "soft" }, "Paste an event: each condition of each metric is shown with what it saw."),
      h("div", { class: "halves" }, form, this.answer));
  }

  async refresh() {}

  async #explain() {
    say(this.wrong, "");
    if (!this.#isJson()) return;
    this.button.disabled = true;
    try {
      const account = this.app.open ? `?account=${encodeURIComponent(this.app.account)}` : "";
      this.answer.replaceChildren(explanation(await this.app.service.post(`/v1/explain${account}`, this.text.value), (change) => this.app.link(change)));
    } catch (error) {
      const missing = error instanceof Refused && [404, 405].includes(error.status);
      say(this.wrong, missing ? "This service can't explain events: it is of a version before that was possible." : `${error.message}.`);
    } finally {
      this.button.disabled = false;
    }
  }

  #isJson() {
    try {
      JSON.parse(this.text.value);
      return true;
    } catch (error) {
      say(this.wrong, `That is not JSON: ${error.message}.`);
      this.text.focus();
      return false;
    }
  }
}
