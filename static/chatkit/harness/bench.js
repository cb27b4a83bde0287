/** The widget and what surrounds it, as the checks handle them. */

const PATIENCE = 20_000;
/** The widget sends by itself once a limit is over; the longest lasts a minute. */
const PATIENCE_FOR_ANSWERS = 75_000;

export class Bench {
  /**
   * @param {any} widget
   * @param {import("./network.js").Network} network
   * @param {import("./journal.js").Journal} journal
   */
  constructor(widget, network, journal) {
    this.widget = widget;
    this.network = network;
    this.journal = journal;
  }

  /** @param {string} selector */
  part(selector) {
    return /** @type {HTMLElement | null} */ (this.widget.shadowRoot?.querySelector(selector) ?? null);
  }

  /** @param {string} path @param {object} [body] */
  async api(path, body) {
    const init = body ? { method: "POST", body: JSON.stringify(body) } : {};
    const response = await this.network.call(`/api/v1${path}`, init);
    const said = await response.json().catch(() => ({}));
    return { status: response.status, body: said, headers: response.headers };
  }

  /** @param {string} path */
  async remove(path) {
    await this.network.call(`/api/v1${path}`, { method: "DELETE" });
  }

  /**
   * The next event of a name.
   * @param {EventTarget} target @param {string} name @param {number} [patience] @returns {Promise<any>}
   */
  next(target, name, patience = PATIENCE) {
    return new Promise((resolve, reject) => {
      const controller = new AbortController();
      const timer = setTimeout(() => {
        controller.abort();
        reject(new Error(`No ${name} within ${patience / 1000} seconds.`));
      }, patience);
      const hear = (/** @type {Event} */ event) => {
        clearTimeout(timer);
        controller.abort();
        resolve(/** @type {CustomEvent} */ (event).detail);
      };
      target.addEventListener(name, hear, { signal: controller.signal });
    });
  }

  /** @param {() => unknown} isTrue @param {string} what */
  async until(isTrue, what) {
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const found = await isTrue();
      if (found) return found;
      if (performance.now() > deadline) throw new Error(`Not within ${PATIENCE / 1000} seconds: ${what}.`);
      await pause(50);
    }
  }

  /** Asks through the widget. @param {string} text */
  async ask(text) {
    const ended = this.next(this.widget, "chatkit.response.end", PATIENCE_FOR_ANSWERS);
    ended.catch(() => undefined);
    await this.widget.sendUserMessage({ text });
    return ended;
  }
}

/** @param {number} milliseconds */
export function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** @param {unknown} claim @param {string} otherwise @returns {asserts claim} */
export function assert(claim, otherwise) {
  if (!claim) throw new Error(otherwise);
}
