// Owns the table of a breakdown's values, the largest first, each with a bar and its share.

import { h } from "../dom.js";
import { compact, full, share } from "../format.js";
import { changeBadge } from "../numbers.js";
import { TOP } from "../questions.js";

/** adds: values make up a whole, so that shares mean something. link(value): where a value leads. */
export function rankedRows(answer, { adds, chosen, heading, total, link }) {
  const numbers = answer.results.map((row) => row.metrics[0] ?? 0), most = Math.max(...numbers, 0);
  const whole = numbers.reduce((a, b) => a + b, 0), compared = Boolean(answer.query.compare);
  const more = total > answer.results.length ? h("p", { class: "soft" }, `and ${full(total - answer.results.length)} more values`) : null;
  const titles = [heading, "Number", ...(adds ? ["Share"] : []), ...(compared ? ["Change"] : [])];
  return [h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Values of ${heading}` }, h("table", {},
    h("thead", {}, h("tr", {}, titles.map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, answer.results.map((row, i) => h("tr", { class: chosen === row.dimensions[0] ? "chosen" : "" },
      h("th", { scope: "row" }, bar(numbers[i], most), valueLink(row.dimensions[0], i, chosen, link)),
      h("td", { title: full(row.metrics[0]) }, compact(row.metrics[0])),
      adds ? h("td", { class: "soft" }, share(row.metrics[0], whole)) : null,
      compared ? h("td", {}, changeBadge(row.comparison?.change[0])) : null))))), more];
}

function valueLink(value, i, chosen, link) {
  const dot = h("i", { class: i < TOP ? `dot c${i + 1}` : "dot none", "aria-hidden": "true" });
  const current = chosen === value ? { "aria-current": "true" } : {};
  return h("a", { href: link(value), "data-key": `value ${value}`, title: chosen === value ? "Show all values" : "Show only this", ...current }, dot, value);
}

function bar(n, most) {
  const node = h("span", { class: "share-bar", "aria-hidden": "true" });
  node.style.width = most > 0 ? `${Math.max(0, (100 * n) / most).toFixed(1)}%` : "0";
  return node;
}
