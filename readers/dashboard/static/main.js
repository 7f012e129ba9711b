// Owns the course of the page: the address decides the view, the view asks, what fails is said above it.

import { readAddress, step, writeAddress } from "./address.js";
import { Away, Refused, Service } from "./ask.js";
import { spanOf, todayIn } from "./days.js";
import { h } from "./dom.js";
import { Header } from "./header.js";
import { Live } from "./live.js";
import { Notice } from "./notice.js";
import { rejectedMetric, REJECTED } from "./questions.js";
import { EditView } from "./views/edit.js";
import { ExperimentView } from "./views/experiment.js";
import { ExperimentsView } from "./views/experiments.js";
import { ExplainView } from "./views/explain.js";
import { KeyView } from "./views/key.js";
import { MetricView } from "./views/metric.js";
import { Overview } from "./views/overview.js";

const VIEWS = {
  overview: Overview, metric: MetricView, explain: ExplainView, experiments: ExperimentsView, experiment: ExperimentView, edit: EditView,
};

class App {
  constructor() {
    this.service = new Service();
    this.state = readAddress(location.search);
    this.metrics = [];
    this.problems = [];
    this.loaded = false;
    this.turn = 0;
    this.main = document.getElementById("main");
    this.notice = new Notice(document.getElementById("notice"));
    this.header = new Header(document.getElementById("top"), this);
    this.live = new Live(() => this.refresh());
    addEventListener("popstate", () => this.#show(readAddress(location.search)));
    document.addEventListener("click", (event) => this.#followed(event));
  }

  /** The account on show: the address's, or the first there is. */
  get account() {
    const known = this.accounts;
    return known.includes(this.state.account) ? this.state.account : (known[0] ?? "");
  }

  get accounts() {
    return [...new Set(this.metrics.map((m) => m.account))];
  }

  get mine() {
    return this.metrics.filter((m) => m.account === this.account);
  }

  /** Whether queries name the account, since no key decides it. */
  get open() {
    return !this.service.key;
  }

  get zone() {
    return this.mine[0]?.timezone ?? "UTC";
  }

  get today() {
    return todayIn(this.zone);
  }

  get span() {
    return spanOf(this.state.range, this.today);
  }

  metric(id) {
    return id === REJECTED ? rejectedMetric(this.account, this.zone) : this.mine.find((m) => m.id === id);
  }

  /** The address of a step from here. */
  link(change) {
    return `/${writeAddress(step(this.state, change))}`;
  }

  go(change, { replace = false } = {}) {
    const address = this.link(change);
    history[replace ? "replaceState" : "pushState"](null, "", address);
    this.#show(readAddress(location.search));
  }

  useKey(key) {
    this.service.use(key);
    this.loaded = false;
    this.metrics = [];
    this.#show(this.state);
  }

  /** Asks again for all that is on show. Gives "open", "closed" or "away". */
  async refresh() {
    const turn = ++this.turn;
    try {
      await this.#define();
      this.#place();
      await this.view.refresh(this.state, () => this.#current(turn));
      if (turn === this.turn) this.notice.well();
    } catch (error) {
      if (turn === this.turn) return this.#failed(error);
    }
    this.header.update();
    return this.view.rhythm ?? (this.span[1] >= this.today ? "open" : "closed");
  }

  /** Whether what a view asked for is still wanted. It draws it then, be it only a part, and the rest may not come. */
  #current(turn) {
    if (turn !== this.turn) return false;
    this.notice.drawn();
    return true;
  }

  /** Once more, for what has just come into sight; several at once are one. */
  refreshSoon() {
    this.soon ??= setTimeout(() => { this.soon = undefined; this.refresh(); }, 30);
  }

  async #define() {
    const { metrics, problems } = await this.service.get("/v1/metrics");
    this.metrics = metrics;
    this.problems = problems ?? [];
    this.loaded = true;
  }

  /** The view that the state asks for; one that stays keeps what it shows. */
  #place(wanted = VIEWS[this.state.view]) {
    this.header.update();
    if (this.view instanceof wanted) return;
    const first = !this.view;
    this.view?.close?.();
    this.view = new wanted(this);
    this.main.replaceChildren(this.view.node);
    if (!first) this.main.focus({ preventScroll: true });
    if (!first) scrollTo(0, 0);
  }

  async #show(state) {
    const other = ["view", "metric", "experiment"].some((name) => state[name] !== this.state[name]);
    this.state = state;
    this.main.setAttribute("aria-busy", "true");
    if (this.loaded) this.#place();
    if (other) scrollTo(0, 0);
    this.live.restart(await this.refresh());
    this.main.removeAttribute("aria-busy");
  }

  start() {
    this.main.append(h("p", { class: "waiting" }, "Asking for the numbers …"));
    return this.#show(this.state);
  }

  #failed(error) {
    if (error instanceof Refused && (error.status === 401 || (error.status === 403 && !error.pointer))) {
      this.#place(KeyView);
      this.view.ask(this.service.key ? error.message : "");
      return "closed";
    }
    if (!(error instanceof Away || error instanceof Refused)) console.error(error);
    this.notice.failed(error, this.zone);
    if (!this.view) this.main.replaceChildren(h("p", { class: "waiting" }, "Nothing to show yet."));
    return "away";
  }

  #followed(event) {
    const link = event.target.closest?.("a[href^='/?'], a[href='/']");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const address = link.getAttribute("href");
    if (address !== location.pathname + location.search) history.pushState(null, "", address);
    this.#show(readAddress(location.search));
  }
}

new App().start();
