/** What people who are signed in can do, and what is said to those who are not: loaded when it is first needed. */

import { Dialog } from "./dialog.js";
import { iconButton, make } from "./dom.js";
import { AWAY, safeAddress } from "./markdown.js";
import { SignUp } from "./signup.js";

const REASONS = /** @type {Record<string, Key>} */ ({
  save: "signUpWhySave",
  personalize: "signUpWhyPersonalize",
  export: "signUpWhyExport",
});

export class Account {
  #widget;
  #strings;
  #signUp;
  /** What somebody wanted to do before they were asked to sign up. */
  #wanted = "";

  /** @param {Widget} widget @param {AbortSignal} signal */
  constructor(widget, signal) {
    this.#widget = widget;
    this.#strings = widget.strings;
    this.#signUp = new SignUp(widget, signal);
  }

  /** @param {string} name */
  async act(name) {
    const { isSignedIn } = this.#widget.session;
    if (name === "signUp" || (!isSignedIn && name in REASONS)) {
      this.#wanted = name;
      return this.signUp(REASONS[name]);
    }
    const acts = /** @type {Record<string, () => Promise<void>>} */ ({
      save: () => this.#save(),
      personalize: () => this.#personalize(),
      history: () => this.#history(),
      export: () => this.#export(),
      logOut: () => this.#logOut(),
    });
    await acts[name]().catch((error) => this.#widget.refused(error, { save: "save_chat" }[name] ?? name));
  }

  /** @param {Key} [reason] */
  signUp(reason) {
    this.#signUp.ask(reason);
  }

  goOn() {
    this.#signUp.goOn();
  }

  // Having signed in

  signedIn() {
    const { kept, user } = this.#widget.session;
    this.#signUp.close();
    this.#say(this.#strings.say("signedIn", { email: user?.email ?? "" }));
    if (kept.visitor?.conversation_id) this.#offerToMigrate();
    else this.#goOnWithWanted();
  }

  /** @param {string} text */
  #say(text) {
    this.#widget.notices.show("said", { text, dismiss: () => undefined });
  }

  #offerToMigrate() {
    const choices = [
      { label: this.#strings.say("migrateYes"), act: () => this.#migrate() },
      { label: this.#strings.say("migrateNo"), isQuiet: true, act: () => this.#leaveBehind() },
    ];
    this.#widget.notices.show("migrate", { text: this.#strings.say("migrate"), choices, class: "migrate" });
  }

  /** Another tab may have answered the offer. */
  kept() {
    if (!this.#widget.session.kept.visitor) this.#widget.notices.remove("migrate");
  }

  async #migrate() {
    try {
      const id = this.#widget.session.kept.visitor?.conversation_id ?? null;
      const count = await this.#widget.session.migrate();
      this.#say(this.#strings.say("migrated", { count }));
      await this.#widget.setConversation(id);
      this.#goOnWithWanted();
    } catch (error) {
      this.#widget.refused(error, "migrate");
      this.#offerToMigrate();
    }
  }

  #leaveBehind() {
    this.#widget.session.keep({ visitor: undefined });
    this.#goOnWithWanted();
  }

  #goOnWithWanted() {
    const wanted = this.#wanted;
    this.#wanted = "";
    if (wanted in REASONS) this.act(wanted);
    else this.#widget.composer.focus();
  }

  // Acting

  /** The conversation at hand, if anything was said in it. */
  get #conversationId() {
    const { id } = this.#widget.conversation;
    if (!id) this.#say(this.#strings.say("nothingToSave"));
    return id;
  }

  async #save() {
    const id = this.#conversationId;
    if (!id) return;
    const { chat_id } = await this.#widget.session.call("/chat/save", { body: { conversation_id: id } });
    this.#widget.analytics.note("save_chat", { chat_id });
    this.#say(this.#strings.say("saved"));
  }

  async #export() {
    const id = this.#conversationId;
    if (!id) return;
    const response = await this.#widget.session.fetch(`/conversations/${id}/export?format=md`);
    await this.#widget.session.checked(response);
    const address = URL.createObjectURL(await response.blob());
    make("a", { href: address, download: "conversation.md" }).click();
    // The browser has to begin the download before the address ends.
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    this.#say(this.#strings.say("exported"));
  }

  async #logOut() {
    this.#widget.analytics.note("logout");
    this.#widget.analytics.flush();
    // Its button goes away with the session, and must not take the focus along.
    this.#widget.composer.focus();
    await this.#widget.session.logOut();
    this.#say(this.#strings.say("loggedOut"));
  }

  async #personalize() {
    const made = await this.#widget.session.call("/user/personalize", { body: {} });
    this.#widget.analytics.note("personalize");
    const { learning_path: path, estimated_progress: progress } = made.personalized_content;
    const percent = new Intl.NumberFormat(this.#strings.locale, { style: "percent" }).format(progress);
    const content = made.recommendations.length
      ? [picks(made.recommendations), ...(path.length ? [make("h3", {}, this.#strings.say("learningPath")), picks(path)] : []), make("p", {}, this.#strings.say("progress", { percent }))]
      : [make("p", {}, this.#strings.say("noRecommendations"))];
    this.#dialog().show(this.#strings.say("recommendations"), ...content);
  }

  #dialog() {
    return new Dialog(this.#widget.panel.root, this.#strings);
  }

  // History

  async #history() {
    const dialog = this.#dialog();
    const list = make("ul", { class: "picks" });
    const more = make("button", { type: "button", class: "text-button", hidden: true }, this.#strings.say("loadMore"));
    let next = "/conversations";
    const load = async () => {
      const page = await this.#widget.session.call(next);
      list.append(...page.results.map((/** @type {any} */ each) => this.#entry(each, dialog)));
      next = page.next;
      more.hidden = !next;
      return list.children.length > 0;
    };
    more.addEventListener("click", () => load().catch((error) => dialog.refuse(error.message || this.#strings.say("wentWrong"))));
    const hasAny = await load();
    dialog.show(this.#strings.say("historyTitle"), hasAny ? list : make("p", {}, this.#strings.say("historyEmpty")), more);
  }

  /** @param {any} conversation @param {Dialog} dialog */
  #entry({ id, title, updated_at }, dialog) {
    const isCurrent = id === this.#widget.conversation.id;
    const open = make("button", { type: "button", class: "pick", "aria-current": isCurrent && "true" }, make("strong", { dir: "auto" }, title), make("span", {}, this.#strings.date(updated_at)));
    const remove = iconButton("trash", this.#strings.say("remove", { title }));
    const entry = make("li", {}, open, remove);
    open.addEventListener("click", () => {
      dialog.close();
      this.#widget.setConversation(id).catch((error) => this.#widget.refused(error));
      this.#widget.composer.focus();
    });
    remove.addEventListener("click", () => this.#remove(id, entry, dialog));
    return entry;
  }

  /** @param {string} id @param {HTMLElement} entry @param {Dialog} dialog */
  async #remove(id, entry, dialog) {
    try {
      await this.#widget.session.call(`/conversations/${id}`, { method: "DELETE" });
    } catch (error) {
      return dialog.refuse(/** @type {Error} */ (error).message || this.#strings.say("wentWrong"));
    }
    const neighbour = /** @type {HTMLElement | null} */ ((entry.nextElementSibling ?? entry.previousElementSibling)?.querySelector("button"));
    entry.remove();
    if (neighbour) neighbour.focus();
    else dialog.close();
    if (id === this.#widget.conversation.id) await this.#widget.setConversation(null);
  }

  // Feedback

  /** @param {Item} item @param {1 | -1} rating @param {MessageView} view */
  async rate(item, rating, view) {
    const before = item.rating;
    item.rating = rating;
    view.update();
    view.focusTool(rating === 1 ? "up" : "down");
    try {
      await this.#widget.conversation.rate(item, rating);
      if (rating === 1) this.#widget.speaker.say(this.#strings.say("thanks"));
      else this.#askForComment(item, view);
    } catch (error) {
      item.rating = before;
      view.update();
      this.#widget.refused(error, "feedback");
    }
  }

  /** @param {Item} item @param {MessageView} view */
  #askForComment(item, view) {
    view.element.querySelector(".comment")?.remove();
    const comment = make("textarea", { rows: "2", maxlength: "2000", dir: "auto" });
    const send = make("button", { type: "submit", class: "text-button" }, this.#strings.say("commentSend"));
    const cancel = make("button", { type: "button", class: "text-button quiet" }, this.#strings.say("notNow"));
    const form = make("form", { class: "comment" }, make("label", { class: "field" }, this.#strings.say("commentLabel"), comment), make("div", { class: "row" }, cancel, send));
    const leave = () => {
      form.remove();
      view.focusTool("down");
    };
    cancel.addEventListener("click", leave);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      await this.#widget.conversation.rate(item, -1, comment.value.trim()).catch((error) => this.#widget.refused(error, "feedback"));
      leave();
      this.#widget.speaker.say(this.#strings.say("thanks"));
    });
    view.element.append(form);
    comment.focus();
  }

  close() {
    this.#signUp.close();
    for (const dialog of this.#widget.panel.root.querySelectorAll("dialog")) dialog.close();
  }
}

/** @param {{title: string, url: string, reason?: string}[]} pages */
function picks(pages) {
  return make("ul", { class: "picks" }, ...pages.map(({ title, url, reason }) => {
    const href = safeAddress(new URL(url, document.baseURI).href);
    const content = [make("strong", { dir: "auto" }, title), reason ? make("span", { dir: "auto" }, reason) : null];
    return make("li", {}, href ? make("a", { class: "pick", href, ...AWAY }, ...content) : make("span", { class: "pick" }, ...content));
  }));
}
