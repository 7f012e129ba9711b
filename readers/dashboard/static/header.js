// Owns the top of the page: name, account, places to go, live or paused, theme, and how complete the numbers are.

import { h, renew, say } from "./dom.js";
import { clock } from "./format.js";
import { Controls } from "./controls.js";
import { chosen, turn } from "./theme.js";

const THEMES = { system: ["◐", "Theme: as the system"], light: ["☀", "Theme: light"], dark: ["☾", "Theme: dark"] };

export class Header {
  constructor(node, app) {
    this.app = app;
    this.links = [
      [h("a", { href: "/" }, "Overview"), { view: "overview", metric: "", experiment: "" }, ["overview", "metric"]],
      [h("a", { href: "/" }, "Experiments"), { view: "experiments", metric: "", experiment: "" }, ["experiments", "experiment", "edit"]],
      [h("a", { href: "/" }, "Explain"), { view: "explain", metric: "", experiment: "" }, ["explain"]],
    ];
    this.account = h("select", { "aria-label": "Account", class: "account", hidden: true, onchange: () => this.#choose() });
    this.live = h("button", { type: "button", class: "live", onclick: () => this.#pause() }, h("i", { class: "dot" }), h("span", {}, "Live"));
    this.theme = h("button", { type: "button", class: "icon", onclick: () => this.#turn() });
    this.key = h("button", { type: "button", hidden: true, onclick: () => app.useKey("") }, "Forget key");
    this.until = h("span", { class: "until" });
    this.controls = new Controls(app);
    node.append(
      h("div", { class: "bar" },
        h("a", { class: "brand", href: "/" }, h("span", { class: "logo", "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", { class: "brand-name" }, "Daycount")),
        this.account, h("nav", { "aria-label": "Pages" }, this.links.map(([link]) => link)), h("span", { class: "gap" }), this.until,
        this.live, this.theme, this.key),
      this.controls.node);
    this.#dress();
  }

  update() {
    const { app } = this;
    for (const [link, change, views] of this.links) {
      link.href = app.link(change);
      link.toggleAttribute("aria-current", views.includes(app.state.view));
    }
    this.key.hidden = !app.service.key;
    this.account.hidden = app.accounts.length < 1;
    this.account.disabled = app.accounts.length < 2;
    renew(this.account, JSON.stringify([app.accounts, app.account]), () =>
      app.accounts.map((name) => h("option", { value: name, selected: name === app.account }, name)));
    this.controls.node.hidden = !["overview", "metric"].includes(app.state.view) || !app.accounts.length;
    this.until.hidden = this.controls.node.hidden;
    this.controls.update();
    const { view, metric, experiment } = app.state;
    const title = { metric, experiment, explain: "Explain", experiments: "Experiments", edit: experiment ? `Edit ${experiment}` : "New experiment" }[view];
    document.title = title ? `${title} – Daycount` : "Daycount";
  }

  /** completeUntil: of the last answer; null where the pipeline hasn't said. */
  complete(completeUntil) {
    say(this.until, completeUntil ? `Complete until ${clock(new Date(completeUntil), this.app.zone)}` : "");
    this.until.title = completeUntil ? `Everything acknowledged before ${completeUntil} is in the numbers` : "";
  }

  #choose() {
    const view = { explain: "explain", experiments: "experiments", experiment: "experiments", edit: "experiments" }[this.app.state.view] ?? "overview";
    this.app.go({ account: this.account.value, metric: "", experiment: "", view, find: "" });
  }

  #pause() {
    this.app.live.pause(!this.app.live.paused);
    this.#dress();
  }

  #turn() {
    turn();
    this.#dress();
  }

  #dress() {
    const paused = this.app.live?.paused ?? false, [sign, name] = THEMES[chosen()];
    this.live.classList.toggle("paused", paused);
    say(this.live.lastChild, paused ? "Paused" : "Live");
    this.live.title = paused ? "Go on renewing the numbers" : "The numbers renew themselves; stop that";
    this.live.setAttribute("aria-pressed", String(!paused));
    say(this.theme, sign);
    this.theme.title = name;
    this.theme.setAttribute("aria-label", name);
  }
}
