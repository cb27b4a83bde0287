/** Where one writes. Enter sends, Shift and Enter make a line. */

import { iconButton, make, relabel } from "./dom.js";

const MOST_LINES_HIGH = 160;

export class Composer {
  #send;

  /** @param {Strings} strings @param {{send: (text: string) => void, stop: () => void, signal: AbortSignal}} wiring */
  constructor(strings, { send, stop, signal }) {
    this.#send = send;
    this.input = make("textarea", { class: "chatkit-input", part: "input", rows: "1", "aria-label": strings.say("placeholder"), placeholder: strings.say("placeholder") });
    this.sendButton = iconButton("send", strings.say("send"), { type: "submit", class: "chatkit-send-btn", part: "send-button" });
    this.stopButton = iconButton("stop", strings.say("stop"), { class: "chatkit-stop-btn", part: "stop-button", hidden: true });
    this.element = make("form", { class: "composer", part: "composer" }, this.input, this.sendButton, this.stopButton);
    this.#listen(stop, signal);
    this.#fit();
  }

  /** @param {() => void} stop @param {AbortSignal} signal */
  #listen(stop, signal) {
    this.element.addEventListener("submit", (event) => this.#submit(event), { signal });
    this.input.addEventListener("input", () => this.#fit(), { signal });
    this.input.addEventListener("keydown", (event) => {
      // While a word is being composed, Enter ends the word.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
    }, { signal });
    this.stopButton.addEventListener("click", () => {
      stop();
      this.input.focus();
    }, { signal });
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || this.input.disabled) return;
    this.value = "";
    this.#send(text);
  }

  get value() {
    return this.input.value;
  }

  set value(text) {
    this.input.value = text;
    this.#fit();
  }

  set isWriting(/** @type {boolean} */ isWriting) {
    this.element.classList.toggle("is-writing", isWriting);
    this.#fit();
  }

  set isDisabled(/** @type {boolean} */ isDisabled) {
    this.input.disabled = isDisabled;
    this.#fit();
  }

  /** @param {string} text */
  set placeholder(text) {
    this.input.placeholder = text;
    this.input.setAttribute("aria-label", text);
  }

  /** @param {string} label */
  set sendLabel(label) {
    relabel(this.sendButton, label);
  }

  #fit() {
    const hasText = Boolean(this.input.value.trim());
    // Where nothing is written yet, the hint is read as the page is.
    this.input.dir = hasText ? "auto" : "";
    const showsStop = this.element.classList.contains("is-writing") && !hasText;
    if (showsStop && this.sendButton.matches(":focus")) this.input.focus();
    this.stopButton.hidden = !showsStop;
    this.sendButton.hidden = showsStop;
    this.sendButton.toggleAttribute("aria-disabled", false);
    this.sendButton.setAttribute("aria-disabled", String(!hasText || this.input.disabled));
    this.input.style.height = "auto";
    this.input.style.height = `${Math.min(this.input.scrollHeight, MOST_LINES_HIGH)}px`;
  }

  focus() {
    this.input.focus();
  }
}
