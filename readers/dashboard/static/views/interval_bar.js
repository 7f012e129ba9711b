// Owns the picture of one comparison on the common axis: the always-valid interval as a thick bar, the fixed one as a thin line.

import { differenceText, standing } from "../experiments/say.js";
import { placeOn } from "../experiments/axis.js";
import { h, svg } from "../dom.js";

const HEIGHT = 34;

/** The bar of a goal's comparison; with nothing to compare yet only the zero line. */
export function intervalBar(axis, goal, compared, colour) {
  const at = (n) => `${placeOn(axis, n).toFixed(2)}%`;
  const span = (interval, props) => svg("rect", { x: at(interval[0]), width: `${(placeOn(axis, interval[1]) - placeOn(axis, interval[0])).toFixed(2)}%`, ...props });
  const point = compared?.difference ?? null;
  return svg("svg", { class: `interval ${colour} ${standing(goal, compared)}`, height: HEIGHT, role: "img", "aria-label": told(goal, compared) },
    axis.ticks.map((tick) => svg("line", { class: "tick", x1: at(tick), x2: at(tick), y1: 0, y2: HEIGHT })),
    svg("line", { class: "zero", x1: at(0), x2: at(0), y1: 0, y2: HEIGHT }),
    compared?.interval ? span(compared.interval, { class: "valid", y: 8, height: 12, rx: 3 }) : null,
    compared?.fixed?.interval ? span(compared.fixed.interval, { class: "fixed", y: 25, height: 3, rx: 1.5 }) : null,
    point === null ? null : svg("circle", { cx: at(point), cy: 14, r: 5 }));
}

/** The axis' numbers, below all bars. */
export function axisRow(axis, kind) {
  return h("div", { class: "axis", "aria-hidden": "true" }, axis.ticks.map((tick) => {
    const node = h("span", {}, tick === 0 ? "0" : differenceText(kind, tick));
    node.style.left = `${placeOn(axis, tick).toFixed(2)}%`;
    return node;
  }));
}

function told({ kind }, compared) {
  if (!compared?.interval) return "Too early to compare";
  const [low, high] = compared.interval.map((n) => differenceText(kind, n));
  return `Difference to control ${differenceText(kind, compared.difference)}, between ${low} and ${high}`;
}
