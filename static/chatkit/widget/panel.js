/** The window: a header, the messages, notices, the composer. In a corner it opens from a button. */

import { icon, iconButton, make } from "./dom.js";

export class Panel {
  #strings;

  /**
   * @param {Strings} strings
   * @param {{list: MessageList, composer: Composer, speaker: Speaker}} parts
   */
  constructor(strings, { list, composer, speaker }) {
    this.#strings = strings;
    this.title = make("h2", { class: "title", part: "title", dir: "auto" });
    this.connection = make("p", { class: "connection", part: "connection", hidden: true });
    this.newChat = iconButton("plus", strings.say("newChat"), { class: "new-chat" });
    this.closeButton = iconButton("close", strings.say("close"), { class: "close" });
    this.actions = make("div", { class: "actions", part: "actions", role: "toolbar", "aria-label": strings.say("more") });
    this.notices = make("div", { class: "notices", part: "notices" });
    this.disclaimer = make("slot", { name: "disclaimer" });
    this.footer = make("div", { class: "footer", part: "disclaimer" }, this.disclaimer);
    const heading = make("div", { class: "heading-slot" }, make("slot", { name: "header" }, this.title), this.connection);
    const header = make("header", { class: "header", part: "header" }, heading, this.newChat, this.closeButton);
    this.panel = make("section", { class: "panel", part: "panel" }, header, this.actions, list.element, this.notices, composer.element, this.footer);
    this.launcher = make("button", { type: "button", class: "launcher", part: "launcher", "aria-label": strings.say("open"), "aria-expanded": "false" }, icon("chat"));
    this.root = make("div", { class: "root", part: "root", lang: strings.locale, dir: strings.direction, title: "" }, this.launcher, this.panel, speaker.element);
  }

  /** @param {string} position @param {string} title */
  arrange(position, title) {
    const isCorner = position.startsWith("bottom-");
    this.root.classList.toggle("corner", isCorner);
    this.root.classList.toggle("left", position === "bottom-left");
    this.closeButton.hidden = !isCorner;
    this.panel.setAttribute("role", isCorner ? "dialog" : "region");
    this.title.textContent = title;
    this.panel.setAttribute("aria-label", title);
    this.footer.classList.toggle("is-filled", this.disclaimer.assignedNodes().length > 0);
  }

  /** @param {boolean} isOpen @param {boolean} isCorner */
  show(isOpen, isCorner) {
    this.panel.hidden = isCorner && !isOpen;
    this.launcher.hidden = !isCorner || isOpen;
    this.launcher.setAttribute("aria-expanded", String(isOpen));
  }

  /** @param {LinkState} state */
  tell(state) {
    const key = /** @type {const} */ ({ connecting: "connecting", offline: "offline", stopped: "refused" })[/** @type {"offline"} */ (state)];
    this.connection.hidden = !key;
    this.connection.textContent = key ? this.#strings.say(key) : "";
  }
}
