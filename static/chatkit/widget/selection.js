/** Text selected on the page around the widget can be asked about: a button beside it says so. */

import { icon, make } from "./dom.js";

const SETTLED = 200;
const [WIDE, HIGH, GAP] = [200, 44, 8];
const LONGEST = 5000;

export class SelectionOffer {
  #timer = 0;
  #text = "";
  #widget;

  /** @param {Widget} widget @param {AbortSignal} signal */
  constructor(widget, signal) {
    this.#widget = widget;
    this.button = make("button", { type: "button", class: "ask-about", part: "ask-about", hidden: true }, icon("quote"), widget.strings.say("askAbout"));
    // Pressing it must not take the selection away before it was read.
    this.button.addEventListener("pointerdown", (event) => event.preventDefault(), { signal });
    this.button.addEventListener("click", () => this.#ask(), { signal });
    document.addEventListener("selectionchange", () => this.#changed(), { signal });
    addEventListener("scroll", () => this.#place(), { signal, passive: true, capture: true });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
    widget.panel.root.append(this.button);
    // What is selected already is why this was loaded.
    this.#changed();
  }

  #changed() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), SETTLED);
  }

  #look() {
    const selection = document.getSelection();
    const around = selection?.anchorNode instanceof Element ? selection.anchorNode : selection?.anchorNode?.parentElement;
    this.#text = around?.closest("chatkit-widget, input, textarea") ? "" : selection?.toString().trim().slice(0, LONGEST) ?? "";
    this.button.hidden = !this.#text;
    this.#place();
  }

  /** Below what is selected, and inside the window. */
  #place() {
    const selection = document.getSelection();
    if (this.button.hidden || !selection?.rangeCount) return;
    const box = selection.getRangeAt(0).getBoundingClientRect();
    const left = Math.max(GAP, Math.min(box.left, innerWidth - WIDE));
    const top = Math.max(GAP, Math.min(box.bottom + GAP, innerHeight - HIGH - GAP));
    this.button.style.left = `${left}px`;
    this.button.style.top = `${top}px`;
  }

  #ask() {
    this.button.hidden = true;
    this.#widget.askAbout(this.#text);
    document.getSelection()?.removeAllRanges();
  }
}
