/** Short things to say between messages and composer: each name once, in the order they came. */

import { iconButton, make } from "./dom.js";

export class Notices {
  /** @type {Map<string, HTMLElement>} */
  #shown = new Map();
  #countdown = 0;
  #strings;
  #place;
  #speaker;

  /** @param {HTMLElement} place @param {Strings} strings @param {Speaker} speaker */
  constructor(place, strings, speaker) {
    this.#place = place;
    this.#strings = strings;
    this.#speaker = speaker;
  }

  /** @param {string} name @param {Notice} notice */
  show(name, { text, choices = [], dismiss, class: extra = "" }) {
    const element = make("div", { class: `notice ${extra}`, part: "notice" }, make("p", { dir: "auto" }, text));
    const buttons = choices.map((choice) => this.#button(name, choice));
    if (buttons.length) element.append(make("div", { class: "buttons" }, ...buttons));
    if (dismiss) element.append(this.#dismissButton(name, dismiss));
    const before = this.#shown.get(name);
    if (before) before.replaceWith(element);
    else this.#place.append(element);
    this.#shown.set(name, element);
    if (before?.textContent !== element.textContent) this.#speaker.say(text);
    return element;
  }

  /** @param {string} name @param {Choice} choice */
  #button(name, { label, act, isQuiet, class: extra = "" }) {
    const button = make("button", { type: "button", class: `text-button ${isQuiet ? "quiet" : ""} ${extra}`.trim() }, label);
    button.addEventListener("click", () => {
      this.remove(name);
      act();
    });
    return button;
  }

  /** @param {string} name @param {() => void} dismiss */
  #dismissButton(name, dismiss) {
    const button = iconButton("close", this.#strings.say("dismiss"));
    button.addEventListener("click", () => {
      this.remove(name);
      dismiss();
    });
    return button;
  }

  /** @param {string} name */
  remove(name) {
    if (name === "limit") clearInterval(this.#countdown);
    this.#shown.get(name)?.remove();
    this.#shown.delete(name);
  }

  /** @param {string} name */
  has(name) {
    return this.#shown.has(name);
  }

  /** Counts down what the server said; those who listen hear it once. @param {number} seconds @param {Choice[]} choices */
  limit(seconds, choices) {
    clearInterval(this.#countdown);
    const until = Date.now() + seconds * 1000;
    const left = () => Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const notice = this.show("limit", { text: this.#strings.say("limitWait", { count: left() }), choices, class: "limit" });
    const text = /** @type {HTMLElement} */ (notice.firstElementChild);
    this.#countdown = setInterval(() => {
      if (left()) text.textContent = this.#strings.say("limitWait", { count: left() });
      else this.#limitOver();
    }, 250);
  }

  #limitOver() {
    this.remove("limit");
    this.#speaker.say(this.#strings.say("limitOver"));
  }

  close() {
    for (const name of [...this.#shown.keys()]) this.remove(name);
  }
}
