/** The outcome, for people in the panel and for programs in `#harness-result`. */

/** @typedef {"pending" | "running" | "green" | "red"} Status */
/** @typedef {{name: string, title: string, status: Status, message: string, milliseconds: number}} Outcome */

export class Verdict {
  /** @type {Map<string, Outcome>} */
  #outcomes = new Map();
  #started = new Date().toISOString();
  #result;
  #journal;

  /** @param {HTMLElement} list @param {HTMLElement} result @param {import("./journal.js").Journal} journal */
  constructor(list, result, journal) {
    this.#result = result;
    this.#journal = journal;
    for (const row of list.querySelectorAll("[data-check]")) {
      const name = row.getAttribute("data-check") ?? "";
      const title = row.querySelector("[data-title]")?.textContent ?? name;
      this.#outcomes.set(name, { name, title, status: "pending", message: "", milliseconds: 0 });
    }
  }

  /** @param {string} name @param {Partial<Outcome>} change */
  set(name, change) {
    const outcome = this.#outcomes.get(name);
    if (!outcome) throw new Error(`There is no check ${name}.`);
    Object.assign(outcome, change);
    const row = document.querySelector(`[data-check="${name}"]`);
    row?.setAttribute("data-status", outcome.status);
    const place = row?.querySelector("[data-message]");
    if (place) place.textContent = outcome.message || outcome.status;
  }

  /** @param {string} name */
  isGreen(name) {
    return this.#outcomes.get(name)?.status === "green";
  }

  /** @param {boolean} isFinished @param {{event: string, seen: boolean}[]} sequence */
  publish(isFinished, sequence) {
    const checks = [...this.#outcomes.values()];
    const passed = checks.every((check) => check.status === "green") && sequence.every((step) => step.seen);
    const verdict = isFinished ? (passed ? "green" : "red") : "running";
    this.#result.textContent = JSON.stringify({
      verdict,
      started_at: this.#started,
      finished_at: isFinished ? new Date().toISOString() : null,
      checks,
      sequence,
      events: this.#journal.events,
      errors: this.#journal.errors,
    });
    document.documentElement.dataset.verdict = verdict;
    return verdict;
  }
}
