// Owns the pair of a number and its change, as tiles and tables show it.

import { h, say } from "./dom.js";
import { change, compact, full } from "./format.js";

const SIGNS = { up: "▲", down: "▼", same: "•" };

/** A change beside what it is against; `neutral`: neither direction is good. */
export function changeBadge(ratio, neutral = false) {
  const node = h("span", { class: "change" });
  updateChange(node, ratio, neutral);
  return node;
}

export function updateChange(node, ratio, neutral = false) {
  const moved = change(ratio);
  node.className = `change ${moved ? moved.direction : "none"}${neutral ? " neutral" : ""}`;
  say(node, moved ? `${SIGNS[moved.direction]} ${moved.text}` : "");
}

/** A number that has its full form at hand. */
export function updateNumber(node, value) {
  say(node, compact(value));
  node.title = full(value);
}
