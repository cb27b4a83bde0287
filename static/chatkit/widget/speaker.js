/** Tells people who listen: whole sentences of an answer, and what else happened. */

import { make } from "./dom.js";

const KEPT = 6;

export class Speaker {
  #said = 0;
  /** @type {string | null} */
  #key = null;
  #segmenter;

  /** @param {string} locale */
  constructor(locale) {
    this.element = make("div", { class: "visually-hidden", role: "status", "aria-live": "polite", "aria-relevant": "additions" });
    this.#segmenter = new Intl.Segmenter(locale, { granularity: "sentence" });
  }

  /** @param {string} text */
  say(text) {
    if (!text.trim()) return;
    this.element.append(make("p", { dir: "auto" }, text));
    while (this.element.children.length > KEPT) this.element.firstElementChild?.remove();
  }

  /** The sentences of an answer that are complete by now; at its end, the rest. @param {Item} item */
  follow(item) {
    if (item.key !== this.#key) [this.#key, this.#said] = [item.key, 0];
    const rest = item.content.slice(this.#said);
    if (item.status !== "writing") return this.#speak(rest);
    const sentences = [...this.#segmenter.segment(rest)];
    const done = sentences.slice(0, -1).reduce((length, sentence) => length + sentence.segment.length, 0);
    if (done) this.#speak(rest.slice(0, done));
  }

  /** @param {string} text */
  #speak(text) {
    this.#said += text.length;
    this.say(text.replace(/[*_`#>|]+|\[\d+\]/g, " "));
  }
}
