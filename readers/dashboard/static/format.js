// Owns how numbers look: short on the page, in full in what explains them. Knows no currency.

const THIN = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "k"]];
export const NOTHING = "–";

/** 12.3k, 1.25M, 842, 3.5: at most four significant characters and a letter. */
export function compact(n) {
  if (n === null || n === undefined) return NOTHING;
  const size = Math.abs(n);
  for (const [unit, letter] of THIN) {
    // 999,950 is 1M, not 1000k.
    if (size >= unit * 0.99995 && size >= 1000) return signed(trimmed(size / unit), n) + letter;
  }
  if (Number.isInteger(n)) return signed(String(size), n);
  return signed(size >= 100 ? trimmed(size) : size >= 0.01 ? String(Number(size.toFixed(2))) : String(Number(size.toPrecision(2))), n);
}

/** All digits, grouped: 1,846,498.003. */
export function full(n, locale = "en-GB") {
  if (n === null || n === undefined) return NOTHING;
  return n.toLocaleString(locale, { maximumFractionDigits: 6 }).replace("-", "−");
}

/** A change of 0.0529 as { text: "+5.3 %", direction: "up" }; null where there is none to tell. */
export function change(ratio) {
  if (ratio === null || ratio === undefined) return null;
  const percent = ratio * 100, size = Math.abs(percent);
  const shown = size >= 1000 ? compact(size) : size >= 100 ? String(Math.round(size)) : size.toFixed(1);
  if (Number(shown) === 0) return { text: "±0 %", direction: "same", words: "unchanged" };
  const up = percent > 0;
  return { text: `${up ? "+" : "−"}${shown} %`, direction: up ? "up" : "down", words: `${up ? "up" : "down"} ${shown} percent` };
}

/** A share of a whole: "12.3 %". */
export const share = (part, whole) => (whole > 0 && part !== null ? `${((100 * part) / whole).toFixed(1)} %` : NOTHING);

/** Names of definitions as people read them: first_spend is "first spend". */
export const words = (name) => name.replaceAll("_", " ").trim();

/** The end of a dotted path says what it is: context.location.country is "country". */
export const lastPart = (path) => words(path.split(".").at(-1).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase());

export const clock = (date, zone) =>
  new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(date);

function trimmed(size) {
  const text = size >= 100 ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size.toFixed(2);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const signed = (text, n) => (n < 0 ? `−${text}` : text);
