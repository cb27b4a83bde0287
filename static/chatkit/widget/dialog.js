/** A window over everything: the browser keeps the focus in it, closes it with Esc, and gives the focus back. */

import { iconButton, make } from "./dom.js";

let numbers = 0;

export class Dialog {
  #opener = /** @type {HTMLElement | null} */ (null);
  #closed;

  /** @param {HTMLElement} place @param {Strings} strings @param {() => void} closed */
  constructor(place, strings, closed = () => undefined) {
    this.#closed = closed;
    const id = `chatkit-dialog-${numbers += 1}`;
    this.title = make("h2", { id, dir: "auto" });
    this.content = make("div", { class: "content" });
    this.error = make("p", { class: "error", role: "alert", dir: "auto" });
    const close = iconButton("close", strings.say("cancel"), { class: "close" });
    close.addEventListener("click", () => this.close());
    this.element = make("dialog", { class: "chatkit-modal-overlay", part: "dialog", "aria-labelledby": id },
      make("div", { class: "chatkit-modal" }, this.title, this.content, this.error, close));
    this.element.addEventListener("close", () => this.#gone());
    this.element.addEventListener("click", (event) => event.target === this.element && this.close());
    place.append(this.element);
  }

  /** @param {string} title @param {...Node} content */
  show(title, ...content) {
    this.title.textContent = title;
    this.content.replaceChildren(...content);
    this.error.textContent = "";
    if (this.element.open) this.#focusFirst();
    else this.#open();
  }

  #open() {
    const root = /** @type {ShadowRoot} */ (this.element.getRootNode());
    this.#opener = /** @type {HTMLElement | null} */ (root.activeElement);
    this.element.showModal();
    this.#focusFirst();
  }

  #focusFirst() {
    const first = /** @type {HTMLElement | null} */ (this.content.querySelector("input, textarea, button, a[href]"));
    first?.focus();
  }

  /** @param {string} text */
  refuse(text) {
    this.error.textContent = text;
  }

  close() {
    this.element.close();
  }

  #gone() {
    this.element.remove();
    if (this.#opener?.isConnected) this.#opener.focus();
    this.#closed();
  }
}
