// Owns talking to the service: the key, tags of what is held already, and the kinds of failure.

const HELD_MAX = 200;
const TIMEOUT_MS = 20_000;

/** The service refused, and says why. */
export class Refused extends Error {
  constructor(status, detail, pointer) {
    super(detail);
    Object.assign(this, { status, pointer });
  }
}

/** The service, or what it reads from, does not answer just now. */
export class Away extends Error {}

export class Service {
  #held = new Map(); // question -> { tag, answer }
  #key = sessionStorage.getItem("key") ?? "";

  get key() {
    return this.#key;
  }

  /** From now on asks with this key; "" for none. It is forgotten with the tab. */
  use(key) {
    this.#key = key;
    this.#held.clear();
    if (key) sessionStorage.setItem("key", key);
    else sessionStorage.removeItem("key");
  }

  get(path) {
    return this.#ask(path, { method: "GET" });
  }

  /** body: an object, or a text that is JSON already. */
  post(path, body) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.#ask(path, { method: "POST", body: text, headers: { "content-type": "application/json" } });
  }

  /** What an answer to `get` was tagged with, so that a change can say what it rests on; null for none. */
  tagOf(path) {
    return this.#held.get(`GET ${path} `)?.tag ?? null;
  }

  /** Changes what is at a path, if it still is what `tag` stands for; tag null: only if nothing is there. body undefined: deletes it. */
  change(path, tag, body) {
    const headers = { "content-type": "application/json", ...(tag ? { "if-match": tag } : { "if-none-match": "*" }) };
    if (body === undefined) return this.#ask(path, { method: "DELETE", headers });
    return this.#ask(path, { method: "PUT", body: JSON.stringify(body), headers });
  }

  /** Whether a change is worth a try: keys say in their name what they may. */
  get mayWrite() {
    return !this.#key.startsWith("dc_read_");
  }

  /** The answer; the very same object again where the service says that nothing has changed. */
  async #ask(path, options) {
    const question = `${options.method} ${path} ${options.body ?? ""}`, held = this.#held.get(question);
    const headers = { ...options.headers, ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}) };
    if (held) headers["if-none-match"] = held.tag;
    const response = await this.#fetch(path, { ...options, headers });
    if (response.status === 304 && held) return held.answer;
    const answer = await response.json().catch(() => ({}));
    if (response.status >= 500) throw new Away(answer.detail ?? `the service answered ${response.status}`);
    if (!response.ok) throw new Refused(response.status, answer.detail ?? `the service answered ${response.status}`, answer.pointer);
    if (options.method !== "PUT") this.#hold(question, response.headers.get("etag"), answer);
    return answer;
  }

  async #fetch(path, options) {
    try {
      return await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      throw new Away("the service can't be reached");
    }
  }

  #hold(question, tag, answer) {
    if (!tag) return;
    this.#held.delete(question);
    this.#held.set(question, { tag, answer });
    if (this.#held.size > HELD_MAX) this.#held.delete(this.#held.keys().next().value);
  }
}
