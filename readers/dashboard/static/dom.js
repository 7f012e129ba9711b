// Owns making elements.

/** An element. Props: `class`, `data-*`, `aria-*` and other attributes; functions are listeners, as onclick. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function filled(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Changes a text only where it differs: nothing flickers, no selection is lost. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** New children, only if `sign` differs from the last call's; keeps the focus on what has the same data-key. */
export function renew(node, sign, make) {
  if (node.dataset.sign === sign) return;
  node.dataset.sign = sign;
  const held = node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  node.replaceChildren(...[make()].flat().filter(Boolean));
  if (held !== undefined) node.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}
