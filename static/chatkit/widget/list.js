/** The messages on the page, and where one is in them. */

import { iconButton, make } from "./dom.js";

const SHOWN = 60;
const NEAR = 80;
const GAP = 12;

export class MessageList {
  /** @type {Map<string, MessageView | PlainView>} */
  #views = new Map();
  #shown = SHOWN;
  /** @type {Item[]} */
  #items = [];
  #isFollowing = true;
  #isAtEnd = false;
  #top = 0;
  /** @type {DrawnBy | typeof PlainView} */
  #View = PlainView;
  #isLoading = false;
  #strings;
  #failed;

  /** @param {Strings} strings @param {{act: (act: string, item: Item, view: MessageView) => void, failed: (error: unknown) => void, signal: AbortSignal}} wiring */
  constructor(strings, { act, failed, signal }) {
    this.#strings = strings;
    this.#failed = failed;
    this.messages = make("div", { class: "chatkit-messages", part: "messages", role: "log", "aria-live": "off", "aria-label": strings.say("messages") });
    this.earlier = make("button", { type: "button", class: "text-button earlier", hidden: true }, strings.say("earlier"));
    this.greeting = make("p", { class: "greeting", part: "greeting", dir: "auto" });
    this.latest = iconButton("down", strings.say("latest"), { class: "latest", hidden: true });
    this.scroller = make("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": strings.say("messages") }, this.greeting, this.earlier, this.messages);
    this.element = make("div", { class: "log" }, this.scroller, this.latest);
    this.#listen(act, signal);
    const observer = new ResizeObserver(() => this.#follow());
    for (const each of [this.scroller, this.messages]) observer.observe(each);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** @param {(act: string, item: Item, view: MessageView) => void} act @param {AbortSignal} signal */
  #listen(act, signal) {
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { signal, passive: true });
    this.earlier.addEventListener("click", () => this.#showEarlier(), { signal });
    this.latest.addEventListener("click", () => this.#toEnd(), { signal });
    this.messages.addEventListener("click", (event) => this.#clicked(event, act), { signal });
  }

  /** @param {MouseEvent} event @param {(act: string, item: Item, view: MessageView) => void} act */
  #clicked(event, act) {
    const button = /** @type {Element} */ (event.target).closest("button");
    const view = button && [...this.#views.values()].find((each) => each.element.contains(button));
    if (!view || view instanceof PlainView) return;
    if (button.hasAttribute("data-copy")) this.#copy(view, button, button.closest("figure")?.querySelector("code")?.textContent ?? "");
    else if (button.dataset.act === "copy") this.#copy(view, button, view.item.content);
    else if (button.dataset.act) act(button.dataset.act, view.item, view);
  }

  /** @param {MessageView} view @param {Element} button @param {string} text */
  async #copy(view, button, text) {
    await navigator.clipboard.writeText(text);
    view.showCopied(button);
  }

  /** What draws messages comes with the first of them, or when somebody begins to write. @param {Item[]} items */
  show(items) {
    this.#items = items.filter((item, index) => !isReplaced(item, items[index + 1]));
    if (items.length) this.prepare();
    this.#draw();
  }

  async prepare() {
    if (this.#View !== PlainView || this.#isLoading) return;
    this.#isLoading = true;
    try {
      const { MessageView } = await import("./message.js");
      this.#View = MessageView;
      this.#removeOthers(new Set());
      this.#draw();
    } catch (error) {
      // Without a network the plain ones do, and the next message tries again.
      if (navigator.onLine) this.#failed(error);
    } finally {
      this.#isLoading = false;
    }
  }

  #draw() {
    const shown = this.#items.slice(-this.#shown);
    this.earlier.hidden = shown.length === this.#items.length;
    this.greeting.hidden = shown.length > 0;
    this.#removeOthers(new Set(shown.map((item) => item.key)));
    const latest = ["user", "assistant"].map((role) => shown.findLast((item) => item.role === role));
    let last = null;
    for (const item of shown) last = this.#place(item, last, latest.includes(item));
    this.#follow();
  }

  /** @param {Set<string>} keys */
  #removeOthers(keys) {
    for (const [key, view] of this.#views) {
      if (keys.has(key)) continue;
      view.remove();
      this.#views.delete(key);
    }
  }

  /** @param {Item} item @param {Element | null} last @param {boolean} isLast */
  #place(item, last, isLast) {
    const view = this.#views.get(item.key) ?? new this.#View(item, this.#strings);
    view.isLast = isLast;
    view.update();
    this.#views.set(item.key, view);
    const next = last ? last.nextElementSibling : this.messages.firstElementChild;
    if (next !== view.element) this.messages.insertBefore(view.element, next);
    return view.element;
  }

  /** @param {Item} item */
  update(item) {
    this.#views.get(item.key)?.updateSoon(() => this.#follow());
  }

  #showEarlier() {
    const { scrollHeight, scrollTop } = this.scroller;
    this.#shown += SHOWN;
    this.#isFollowing = false;
    this.#draw();
    this.scroller.scrollTop = scrollTop + this.scroller.scrollHeight - scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR;
    // Content that grows moves the end away too; only who scrolls up wants to stay.
    if (isNear || scrollTop < this.#top) this.#isFollowing = isNear;
    this.#top = scrollTop;
    this.latest.hidden = isNear;
  }

  /** A long answer is read from its beginning, so the question stays in sight until somebody scrolls on. */
  #follow() {
    const { scroller } = this;
    const end = scroller.scrollHeight - scroller.clientHeight;
    if (this.#isFollowing) scroller.scrollTop = this.#isAtEnd ? end : Math.min(end, this.#questionTop());
    this.latest.hidden = end - scroller.scrollTop < NEAR;
  }

  #questionTop() {
    const last = this.#items.findLast((item) => item.role === "user");
    const question = last && this.#views.get(last.key)?.element;
    if (!question) return Infinity;
    return this.scroller.scrollTop + question.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - GAP;
  }

  #toEnd() {
    this.#isAtEnd = this.#isFollowing = true;
    this.#follow();
  }

  toLatest() {
    this.#isAtEnd = false;
    this.#isFollowing = true;
    this.#follow();
  }

  close() {
    for (const view of this.#views.values()) view.remove();
    this.#views.clear();
  }
}

/** What was said, as it is, until more is at hand. */
class PlainView {
  isLast = false;

  /** @param {Item} item */
  constructor(item) {
    this.item = item;
    this.text = make("p", { class: "bubble", part: "bubble", dir: "auto" });
    this.element = make("article", { class: `message ${item.role}`, "data-status": item.status }, make("div", { class: "body" }, this.text));
    this.update();
  }

  update() {
    this.text.textContent = this.item.content;
  }

  updateSoon() {
    this.update();
  }

  remove() {
    this.element.remove();
  }
}

/** An answer that was tried again. @param {Item} item @param {Item} [next] */
function isReplaced(item, next) {
  return item.role === "assistant" && next?.role === "assistant" && item.status !== "writing";
}
