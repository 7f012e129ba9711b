// Owns the addresses of experiments in the service, and the colours that their variations have everywhere on the page.

const COLOURS = 5;

/** A path of the service; `open`: the account is named, since no key decides it. */
export function placeOf(app, kind, id = "", rest = "", asked = {}) {
  const parts = new URLSearchParams({ ...asked, ...(app.open && app.account ? { account: app.account } : {}) }).toString();
  return `/v1/${kind}${id ? `/${encodeURIComponent(id)}` : ""}${rest}${parts ? `?${parts}` : ""}`;
}

/** Variation -> c0 for control, c1 to c5 for the others in their order. */
export function coloursOf(experiment, ids = experiment.variations.map((v) => v.id)) {
  const others = ids.filter((id) => id !== experiment.control);
  return new Map([[experiment.control, "c0"], ...others.map((id, i) => [id, `c${(i % COLOURS) + 1}`])]);
}
