// Owns the line above the numbers that says when they can't be renewed, and of when those are that stand there.

import { Away } from "./ask.js";
import { h, renew } from "./dom.js";
import { clock } from "./format.js";

export class Notice {
  #last = null;

  constructor(node) {
    this.node = node;
  }

  /** Some of what was asked for is drawn now; what came before it may still stand beside it. */
  drawn() {
    this.#last ??= new Date();
  }

  /** All that was asked for has come. */
  well() {
    this.#last = new Date();
    renew(this.node, "", () => []);
  }

  failed(error, zone) {
    const away = error instanceof Away;
    const since = this.#last ? `What you see is of ${clock(this.#last, zone)}. ` : "";
    const text = away ? `The numbers can't be renewed: ${error.message}. ${since}Trying again every few seconds.` : `${error.message}. ${since}`;
    renew(this.node, text, () => h("p", { class: "notice bad" }, h("strong", {}, away ? "Not up to date" : "That can't be answered"), " ", text));
  }
}
