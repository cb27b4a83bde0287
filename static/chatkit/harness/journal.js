/** What happened on this page: the widget's own log, and every error of the console, shown as it comes. */

/** @typedef {"note" | "green" | "red"} Tone */

/** What `console.error` is given may be anything; nobody wants to read a token here. */
const SECRET = /\b(?:ck[a-z]{1,2}_[\w-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]+)/g;

export class Journal extends EventTarget {
  /** @type {string[]} */
  errors = [];
  /** Names of the widget's log events, in their order. @type {string[]} */
  events = [];
  #list;

  /** @param {HTMLElement} list */
  constructor(list) {
    super();
    this.#list = list;
  }

  /** Before anything else runs, so that nothing is missed. */
  listen() {
    const original = console.error.bind(console);
    console.error = (...said) => {
      original(...said);
      this.error(said.map(String).join(" "));
    };
    addEventListener("error", (event) => this.error(event.message || "A resource did not load."), true);
    addEventListener("unhandledrejection", (event) => this.error(`Unhandled: ${event.reason}`));
    document.addEventListener("securitypolicyviolation", (event) => {
      this.error(`The policy forbids ${event.blockedURI || "inline code"} (${event.effectiveDirective}).`);
    });
    document.addEventListener("chatkit.log", (event) => this.#logged(/** @type {CustomEvent} */ (event).detail));
  }

  /** @param {string} text */
  error(text) {
    const clean = text.replaceAll(SECRET, "…");
    this.errors.push(clean);
    this.write(clean, "red");
    this.dispatchEvent(new Event("error"));
  }

  /** @param {any} detail */
  #logged(detail) {
    const name = String(detail?.event_type ?? detail?.type ?? "");
    if (!name) return;
    this.events.push(name);
    this.write(`chatkit.log ${name}`, "note");
    this.dispatchEvent(new CustomEvent("logged", { detail: name }));
  }

  /** @param {string} text @param {Tone} [tone] */
  write(text, tone = "note") {
    const line = document.createElement("li");
    line.className = `line ${tone}`;
    const time = document.createElement("time");
    time.textContent = new Date().toISOString().slice(11, 23);
    line.append(time, text);
    this.#list.append(line);
    // Not scrollIntoView, which would move the page as well.
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}
