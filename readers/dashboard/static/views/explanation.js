// Owns how an explanation looks. Its exact form is the service's; what is not known here is shown as it came.

import { h } from "../dom.js";

export function explanation(answer) {
  return h("div", { class: "card" }, h("pre", { tabindex: 0 }, JSON.stringify(answer, null, 2)));
}
