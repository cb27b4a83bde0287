/** One message on the page. */

import { icon, iconButton, make, relabel, shortened } from "./dom.js";
import { AWAY, blocksOf, nodeOf, safeAddress } from "./markdown.js";

const PASSAGE_WORDS = 8;

export class MessageView {
  #strings;
  /** Sources of the blocks that are drawn. @type {string[]} */
  #drawn = [];
  #body = make("div", { class: "body" });
  /** @type {Record<string, string>} */
  #parts = {};
  #frame = 0;
  /** Only what was asked last may be asked differently, and only the last answer given again. */
  isLast = false;

  /** @param {Item} item @param {Strings} strings */
  constructor(item, strings) {
    this.item = item;
    this.#strings = strings;
    const isOwn = item.role === "user";
    const classes = `message ${item.role}${item.isNew ? " is-new" : ""}`;
    this.element = make("article", { class: classes, part: `message ${item.role}`, "aria-label": strings.say(isOwn ? "you" : "assistant") });
    if (isOwn) this.#drawQuestion();
    this.element.append(this.#body);
    this.update();
  }

  #drawQuestion() {
    const { quote, content } = this.item;
    if (quote) this.element.append(make("blockquote", { class: "asked-about", dir: "auto" }, shortened(quote)));
    this.#body.append(make("p", { class: "bubble", part: "bubble", dir: "auto" }, content));
  }

  /** At the next frame, once, however many pieces arrive until then. */
  updateSoon(then = () => {}) {
    this.#frame ||= requestAnimationFrame(() => {
      this.update();
      then();
    });
  }

  update() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { item } = this;
    this.element.dataset.status = item.status;
    if (item.role === "assistant") this.#drawAnswer();
    this.#section("sources", item.sources.map((source) => source.id).join() && item.status !== "writing" ? "shown" : "", () => this.#sources());
    this.#section("note", this.#noteText(), () => this.#note());
    this.#section("tools", this.#toolsWanted(), () => this.#tools());
  }

  #drawAnswer() {
    const { content, status } = this.item;
    const setting = { say: (/** @type {any} */ key) => this.#strings.say(key), cite: (/** @type {number} */ number) => this.#citation(number) };
    const blocks = blocksOf(content);
    let same = 0;
    while (same < blocks.length && this.#drawn[same] === blocks[same].source) same += 1;
    while (this.#body.children.length > same) this.#body.lastElementChild?.remove();
    this.#body.append(...blocks.slice(same).map((block) => nodeOf(block, setting)));
    this.#drawn = blocks.map((block) => block.source);
    if (!blocks.length && status === "writing") this.#body.append(this.#thinking());
  }

  #thinking() {
    return make("p", { class: "thinking", role: "img", "aria-label": this.#strings.say("writing") }, make("span"), make("span"), make("span"));
  }

  /** A part of the message that is there while it has something to say. @param {string} name @param {string} state @param {() => HTMLElement} draw */
  #section(name, state, draw) {
    if ((this.#parts[name] ?? "") === state) return;
    this.#parts[name] = state;
    this.element.querySelector(`:scope > .${name}`)?.remove();
    if (!state) return;
    const section = draw();
    const behind = { sources: ".note, .tools", note: ".tools", tools: "" }[name];
    const next = behind ? this.element.querySelector(behind.split(", ").map((each) => `:scope > ${each}`).join()) : null;
    this.element.insertBefore(section, next);
  }

  #sources() {
    const list = make("ol", { class: "sources", part: "sources", "aria-label": this.#strings.say("sources") });
    for (const source of this.item.sources) list.append(make("li", {}, this.#sourceLink(source, source.title)));
    return list;
  }

  /** @param {Source} source @param {string} text */
  #sourceLink(source, text) {
    const href = passageAddress(source);
    return href ? make("a", { href, ...AWAY, dir: "auto" }, text) : make("span", { dir: "auto" }, text);
  }

  /** @param {number} number */
  #citation(number) {
    const source = this.item.sources[number - 1];
    if (!source) return null;
    const link = this.#sourceLink(source, String(number));
    link.className = "citation";
    link.setAttribute("aria-label", this.#strings.say("source", { number, title: source.title }));
    return link;
  }

  #noteText() {
    const { role, status, problem } = this.item;
    if (role === "user") return { queued: this.#strings.say(navigator.onLine ? "queuedNext" : "queued"), failed: problem || this.#strings.say("notSent") }[/** @type {string} */ (status)] ?? "";
    return { cancelled: this.#strings.say("stopped"), failed: problem || this.#strings.say("failed") }[/** @type {string} */ (status)] ?? "";
  }

  #note() {
    return make("p", { class: "note", dir: "auto" }, this.#parts.note);
  }

  #toolsWanted() {
    const { role, status, rating, mayRetry, id } = this.item;
    if (role === "user") return status === "sent" && this.isLast ? "edit" : "";
    if (status === "failed") return mayRetry && this.isLast ? "retry" : "";
    if (status === "complete" || status === "cancelled") return `answer ${rating} ${Boolean(id)} ${this.isLast}`;
    return "";
  }

  #tools() {
    const wanted = this.#parts.tools;
    const tools = make("div", { class: "tools" });
    if (wanted === "edit") tools.append(this.#tool("edit", "edit"));
    else if (wanted === "retry") tools.append(make("button", { type: "button", class: "text-button", "data-act": "retry" }, icon("retry"), this.#strings.say("retry")));
    else tools.append(this.#tool("copy", "copyAnswer"), ...this.#thumbs(), ...(this.isLast ? [this.#tool("retry", "retry")] : []));
    return tools;
  }

  #thumbs() {
    const { id, rating } = this.item;
    if (!id) return [];
    return /** @type {const} */ ([["up", "good", 1], ["down", "bad", -1]]).map(([name, key, value]) => {
      const button = this.#tool(name, key);
      button.setAttribute("aria-pressed", String(rating === value));
      return button;
    });
  }

  /** @param {Icon} name @param {Key} key */
  #tool(name, key) {
    return iconButton(name, this.#strings.say(key), { "data-act": name });
  }

  /** @param {string} act */
  focusTool(act) {
    /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-act="${act}"]`))?.focus();
  }

  /** @param {Element} button */
  showCopied(button) {
    const before = button.getAttribute("aria-label") ?? "";
    button.replaceChildren(icon("check"));
    relabel(button, this.#strings.say("copied"));
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      relabel(button, before);
    }, 1500);
  }

  remove() {
    cancelAnimationFrame(this.#frame);
    this.element.remove();
  }
}

/** The page at the place that the answer leans on. @param {Source} source */
export function passageAddress({ url, excerpt }) {
  const address = safeAddress(url);
  if (!address?.startsWith("http")) return null;
  const words = (excerpt ?? "").replace(/[…\s]+$/, "").split("\n")[0].split(/\s+/).filter(Boolean);
  const passage = words.slice(0, words.length > PASSAGE_WORDS ? PASSAGE_WORDS : -1).join(" ");
  if (!passage) return address;
  const fragment = encodeURIComponent(passage).replaceAll("-", "%2D");
  return `${address}${address.includes("#") ? "" : "#"}:~:text=${fragment}`;
}
