/** `<chatkit-widget>`: attributes, methods and events. What happens inside is a `Widget`'s. */

import { make } from "./dom.js";
import { stringsFor } from "./strings.js";
import { sharedSheet } from "./styles.js";
import { Widget } from "./widget.js";

const TEXTS = ["server", "locale", "theme", "position", "title", "placeholder", "greeting"];
const FLAGS = ["open", "disabled"];
const RESTARTING = ["server", "locale"];
const POSITIONS = ["bottom-right", "bottom-left", "inline"];
const LOCAL = /^(localhost|127(\.\d+){3}|\[::1\]|.*\.localhost)$/;
let hasWarned = false;

export class ChatKitWidget extends HTMLElement {
  static observedAttributes = [...TEXTS, ...FLAGS];
  /** @type {Widget | null} */
  #widget = null;
  #running = deferred();
  #starts = 0;

  constructor() {
    super();
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sharedSheet()];
  }

  connectedCallback() {
    this.#start();
  }

  disconnectedCallback() {
    this.#end();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || before === after) return;
    if (RESTARTING.includes(name)) this.#restart();
    else this.#widget?.arrange(this.#options);
  }

  #restart() {
    this.#end();
    this.#start();
  }

  async #start() {
    const start = ++this.#starts;
    const root = /** @type {ShadowRoot} */ (this.shadowRoot);
    const strings = await stringsFor(this.getAttribute("locale"), this.closest("[lang]")?.getAttribute("lang"), navigator.language);
    // Taken away or changed while the words were on their way.
    if (start !== this.#starts || !this.isConnected) return;
    if (!isSafe(this.server)) return this.#refuse(root, strings);
    this.#widget = new Widget(root, strings, this.#options, {
      emit: (name, detail) => this.#emit(name, detail),
      setOpen: (isOpen) => { this.isOpen = isOpen; },
    });
    this.#widget.analytics.note("widget_loaded", { locale: strings.locale, position: this.position });
    this.#running.resolve(this.#widget);
    this.#emit("chatkit.ready", { locale: strings.locale });
  }

  /** @param {ShadowRoot} root @param {Strings} strings */
  #refuse(root, strings) {
    const text = strings.say("insecure");
    root.append(make("div", { class: "root", dir: strings.direction, lang: strings.locale }, make("p", { class: "refusal", part: "refusal", role: "alert" }, text)));
    this.#emit("chatkit.error", { code: "insecure_context", message: text });
  }

  #end() {
    this.#starts += 1;
    this.#widget?.destroy();
    this.#widget = null;
    this.#running = deferred();
    this.shadowRoot?.replaceChildren();
  }

  /** @param {string} name @param {any} [detail] */
  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  get #options() {
    const { position, title, placeholder, greeting, isOpen, disabled } = this;
    return { server: this.server, position, title, placeholder, greeting, isOpen, isDisabled: disabled };
  }

  // Methods. Each waits until the widget has started.

  async open() {
    this.isOpen = true;
    (await this.#running.promise).composer.focus();
  }

  async close() {
    (await this.#running.promise).close();
  }

  async focusComposer() {
    (await this.#running.promise).composer.focus();
  }

  /** @param {{text: string}} message */
  async sendUserMessage({ text }) {
    const widget = await this.#running.promise;
    this.isOpen = true;
    await widget.ask(text);
  }

  /** @param {{text: string}} value */
  async setComposerValue({ text }) {
    (await this.#running.promise).composer.value = text;
  }

  /** @param {string | null} id */
  async setConversation(id) {
    await (await this.#running.promise).setConversation(id);
  }

  /** Who the page around the widget knows the visitor to be: a session or access token of this server. @param {string} token */
  async identify(token) {
    await (await this.#running.promise).session.identify(token);
  }

  async stop() {
    (await this.#running.promise).conversation.stop();
  }

  /** Forgets who this was, here and on the server, and begins anew. */
  async reset() {
    await (await this.#running.promise).session.logOut();
  }

  // Attributes as properties. `open` is a method, so its attribute is `isOpen`.

  get server() {
    return new URL(this.getAttribute("server") || new URL(import.meta.url).origin, document.baseURI).origin;
  }

  set server(value) {
    this.setAttribute("server", value);
  }

  get locale() {
    return this.getAttribute("locale") ?? "";
  }

  set locale(value) {
    this.setAttribute("locale", value);
  }

  get theme() {
    return this.getAttribute("theme") || "auto";
  }

  set theme(value) {
    this.setAttribute("theme", value);
  }

  get position() {
    const chosen = this.getAttribute("position") ?? "";
    return POSITIONS.includes(chosen) ? chosen : POSITIONS[0];
  }

  set position(value) {
    this.setAttribute("position", value);
  }

  get title() {
    return this.getAttribute("title") ?? "";
  }

  set title(value) {
    this.setAttribute("title", value);
  }

  get placeholder() {
    return this.getAttribute("placeholder") ?? "";
  }

  set placeholder(value) {
    this.setAttribute("placeholder", value);
  }

  get greeting() {
    return this.getAttribute("greeting") ?? "";
  }

  set greeting(value) {
    this.setAttribute("greeting", value);
  }

  get isOpen() {
    return this.hasAttribute("open");
  }

  set isOpen(value) {
    this.toggleAttribute("open", value);
  }

  get disabled() {
    return this.hasAttribute("disabled");
  }

  set disabled(value) {
    this.toggleAttribute("disabled", value);
  }
}

/** Encrypted, or this very machine: what is said and who says it is nobody's on the way. @param {string} server */
function isSafe(server) {
  const { protocol, hostname } = new URL(server);
  const isLocal = LOCAL.test(location.hostname) && LOCAL.test(hostname);
  if (!isSecureContext || (protocol !== "https:" && !isLocal)) return false;
  if (location.protocol === "http:" && !hasWarned) {
    hasWarned = true;
    console.warn("ChatKit runs without HTTPS because this is localhost; anywhere else it would not start.");
  }
  return true;
}

/** @returns {{promise: Promise<Widget>, resolve: (widget: Widget) => void}} */
function deferred() {
  let resolve = (/** @type {Widget} */ _) => {};
  const promise = new Promise((done) => { resolve = done; });
  return { promise, resolve };
}
