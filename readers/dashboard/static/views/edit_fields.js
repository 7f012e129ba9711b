// Owns fields of the form: a label, what is typed, a hint, and the fault that the service found there.

import { h } from "../dom.js";

export class Fields {
  #all = []; // { pointer: () => string, control, told }
  #made = 0;

  /** A labelled control. pointer(): where in the definition it stands. */
  field(label, control, { pointer, hint = "", wide = false }) {
    const id = `field-${++this.#made}`, told = h("p", { class: "bad fault", id: `${id}-fault`, role: "alert" });
    control.id = id;
    control.setAttribute("aria-describedby", `${id}-hint ${id}-fault`);
    this.#all.push({ pointer, control, told });
    return h("div", { class: wide ? "field wide" : "field" }, h("label", { class: "name", for: id }, label), control, h("small", { class: "soft", id: `${id}-hint` }, hint), told);
  }

  clear() {
    this.#all = this.#all.filter(({ control }) => control.isConnected);
    for (const { control, told } of this.#all) {
      control.removeAttribute("aria-invalid");
      told.textContent = "";
    }
  }

  /** Says a fault at the field that stands nearest above the pointer, and gives whether there is one. */
  show(pointer, text) {
    const fit = this.#all.filter(({ control, pointer: of }) => control.isConnected && within(pointer, of()));
    const found = fit.sort((a, b) => b.pointer().length - a.pointer().length)[0];
    if (!found) return false;
    found.told.textContent = text;
    found.control.setAttribute("aria-invalid", "true");
    found.control.focus();
    return true;
  }
}

const within = (pointer, place) => pointer === place || pointer.startsWith(`${place}/`);

/** A text field that writes into `of[name]`. */
export function typed(of, name, props = {}, changed = () => {}) {
  const node = h(props.rows ? "textarea" : "input", { spellcheck: "false", autocomplete: "off", ...(props.rows ? {} : { type: "text" }), ...props,
    oninput: () => { of[name] = node.value; changed(); } });
  node.value = of[name] ?? "";
  return node;
}

/** A choice among [[value, text], …] that writes into `of[name]`. */
export function choice(of, name, options, changed = () => {}) {
  const node = h("select", { onchange: () => { of[name] = node.value; changed(); } },
    options.map(([value, text]) => h("option", { value, selected: value === of[name] }, text)));
  return node;
}

/** A button that adds or removes a row. */
export const small = (text, label, onclick) => h("button", { type: "button", class: text.length < 2 ? "icon" : "", "aria-label": label, title: label, onclick }, text);
