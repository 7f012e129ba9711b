// Owns light and dark: the system's, or what was chosen here.

const ORDER = ["system", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

export const chosen = () => root.dataset.theme;

/** The next of system, light, dark. */
export function turn() {
  root.dataset.theme = ORDER[(ORDER.indexOf(chosen()) + 1) % ORDER.length];
  localStorage.setItem("theme", chosen());
  announce();
}

/** Charts are pixels: they listen, to be drawn again. */
export const onTheme = (listener) => root.addEventListener("themechange", listener);
export const offTheme = (listener) => root.removeEventListener("themechange", listener);

const announce = () => root.dispatchEvent(new Event("themechange"));
dark.addEventListener("change", announce);

/** A colour of the style sheet as it is now. */
export const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
