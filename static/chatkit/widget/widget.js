/** One running widget: its parts, and what they tell each other. It lives while its element is on a page. */

import { Analytics } from "./analytics.js";
import { ApiError } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { icon, make, shortened } from "./dom.js";
import { Link } from "./link.js";
import { MessageList } from "./list.js";
import { Notices } from "./notices.js";
import { Panel } from "./panel.js";
import { Session } from "./session.js";
import { Speaker } from "./speaker.js";

const ANSWERS_BEFORE_PROMPT = 5;
const ACTIONS = /** @type {const} */ ([
  ["save", "saveChat", "save", "chatkit-save-chat-btn"],
  ["personalize", "personalize", "spark", "chatkit-personalize-btn"],
  ["history", "history", "history", "chatkit-history-btn"],
  ["export", "export", "download", "chatkit-export-btn"],
  ["signUp", "signUp", "plus", "chatkit-signup-btn"],
  ["logOut", "logOut", "leave", "chatkit-logout-btn"],
]);

export class Widget {
  #controller = new AbortController();
  /** @type {Account | null} */
  #account = null;
  /** @type {State} */
  #state = "ANONYMOUS";
  #selected = "";
  #isStarted = false;
  #isOpen = false;
  #conversationId = /** @type {string | null} */ (null);
  #emit;
  #setOpen;
  #options;
  /** @type {Map<string, HTMLElement>} */
  #actions = new Map();

  /**
   * @param {ShadowRoot} root @param {Strings} strings @param {Options} options
   * @param {{emit: (name: string, detail?: object) => void, setOpen: (isOpen: boolean) => void}} element
   */
  constructor(root, strings, options, { emit, setOpen }) {
    const { signal } = this.#controller;
    this.#setOpen = setOpen;
    this.strings = strings;
    this.root = root;
    this.#options = options;
    this.#emit = emit;
    this.speaker = new Speaker(strings.locale);
    this.session = new Session(options.server);
    this.analytics = new Analytics(this.session, (detail) => emit("chatkit.log", detail));
    this.conversation = new Conversation(this.session, this.#teller());
    this.list = new MessageList(strings, { act: (...what) => this.#act(...what), failed: (error) => this.refused(error), signal });
    this.composer = new Composer(strings, { send: (text) => this.ask(text), stop: () => this.conversation.stop(), signal });
    this.panel = new Panel(strings, this);
    this.notices = new Notices(this.panel.notices, strings, this.speaker);
    this.link = new Link(this.session, this.#hooks(), signal);
    this.conversation.over(this.link);
    this.#listen(signal);
    this.#drawActions();
    root.append(this.panel.root);
    this.arrange(options);
  }

  /** @returns {Hooks} */
  #hooks() {
    return {
      onready: () => this.#ready(),
      onframe: (frame) => this.conversation.hear(frame),
      onstate: (state) => this.#connection(state),
    };
  }

  /** @returns {Teller} */
  #teller() {
    return {
      items: (items) => this.#show(items),
      item: (item) => this.#progress(item),
      started: (item) => this.#emit("chatkit.response.start", { turn_id: item.turnId, conversation_id: this.conversation.id }),
      ended: (item) => this.#ended(item),
      changed: (id) => this.#changed(id),
      limited: (limit) => this.limited(limit),
      problem: ({ code, message }) => this.problem(code, message),
    };
  }

  /** @param {AbortSignal} signal */
  #listen(signal) {
    const { panel } = this;
    panel.launcher.addEventListener("click", () => this.open(), { signal });
    panel.closeButton.addEventListener("click", () => this.close(), { signal });
    panel.newChat.addEventListener("click", () => this.startAfresh(), { signal });
    panel.panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape(event), { signal });
    panel.panel.addEventListener("focusin", () => this.list.prepare(), { signal, once: true });
    panel.disclaimer.addEventListener("slotchange", () => this.arrange(this.#options), { signal });
    this.session.addEventListener("created", () => this.analytics.note("session_created"), { signal });
    this.session.addEventListener("credential", () => this.#otherCredential(), { signal });
    this.session.addEventListener("kept", () => this.#kept(), { signal });
    this.session.addEventListener("expired", () => this.#expired(), { signal });
    document.addEventListener("selectionchange", () => this.#offerSelection(), { signal, once: true });
    addEventListener("pagehide", () => this.analytics.flush(), { signal });
  }

  get state() {
    return this.#state;
  }

  set state(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#emit("chatkit.identity.change", { state, is_signed_in: this.session.isSignedIn, tier: this.session.user?.tier ?? "anonymous" });
  }

  get isCorner() {
    return this.#options.position.startsWith("bottom-");
  }

  get isOpen() {
    return !this.isCorner || this.#isOpen;
  }

  // Looks

  /** @param {Options} options */
  arrange(options) {
    this.#options = options;
    this.panel.arrange(options.position, options.title || this.strings.say("title"));
    this.composer.placeholder = options.placeholder || this.strings.say("placeholder");
    this.composer.isDisabled = options.isDisabled;
    this.list.greeting.textContent = options.greeting || this.strings.say("greeting");
    this.#isOpen = options.isOpen;
    this.panel.show(this.isOpen, this.isCorner);
    this.notices.remove("disabled");
    if (options.isDisabled) this.notices.show("disabled", { text: this.strings.say("disabled") });
    if (this.isOpen) this.#start();
  }

  /** A closed widget in a corner asks the server for nothing until somebody opens it. */
  #start() {
    if (this.#isStarted || this.#options.isDisabled) return;
    this.#isStarted = true;
    this.#state = this.session.isSignedIn ? "LOGGED_IN" : "ANONYMOUS";
    this.#conversationId = this.session.kept.conversation_id ?? null;
    this.conversation.load(this.#conversationId).catch(() => undefined).finally(() => this.link.open());
    if (this.session.kept.pending) this.account().then((account) => account.goOn()).catch(() => undefined);
    this.#identityShown();
  }

  #drawActions() {
    const { signal } = this.#controller;
    for (const [name, key, picture, className] of ACTIONS) {
      const button = make("button", { type: "button", class: `text-button ${className}` }, icon(picture), this.strings.say(key));
      button.addEventListener("click", () => this.#action(name), { signal });
      this.#actions.set(name, button);
      this.panel.actions.append(button);
    }
  }

  #identityShown() {
    const { isSignedIn } = this.session;
    for (const [name, isForPeople] of /** @type {const} */ ([["history", true], ["logOut", true], ["signUp", false]])) {
      const button = this.#actions.get(name);
      if (button) button.hidden = isForPeople !== isSignedIn;
    }
    this.panel.actions.hidden = !isSignedIn && !this.conversation.items.length;
    this.panel.newChat.hidden = !this.conversation.items.length;
  }

  // What happens

  #ready() {
    this.conversation.resume();
    this.#emit("chatkit.connection", { state: "online" });
  }

  /** @param {LinkState} state */
  #connection(state) {
    this.panel.tell(state);
    if (state !== "online") this.#emit("chatkit.connection", { state });
    if (state === "offline" || state === "stopped") this.speaker.say(this.panel.connection.textContent ?? "");
    if (state === "stopped") this.notices.show("refused", { text: this.strings.say("refused"), class: "bad" });
  }

  /** @param {Item[]} items */
  #show(items) {
    this.list.show(items);
    this.composer.isWriting = Boolean(this.conversation.writing);
    this.#identityShown();
  }

  /** @param {Item} item */
  #progress(item) {
    this.list.update(item);
    this.speaker.follow(item);
  }

  /** @param {Item} item */
  #ended(item) {
    this.speaker.follow(item);
    if (item.status === "failed") this.speaker.say(item.problem ?? this.strings.say("failed"));
    this.#emit("chatkit.response.end", { turn_id: item.turnId, message_id: item.id, conversation_id: this.conversation.id, status: item.status });
    if (item.status === "complete") this.#answered();
  }

  /** The hint comes once, after some answers, and never again when it was waved away. */
  #answered() {
    this.analytics.note("chat_message");
    const { answers = 0, prompted } = this.session.kept;
    this.session.keep({ answers: answers + 1 });
    if (this.session.isSignedIn || prompted || answers + 1 < ANSWERS_BEFORE_PROMPT || this.notices.has("prompt")) return;
    this.#softPrompt();
  }

  #softPrompt() {
    const dismissed = () => {
      this.session.keep({ prompted: true });
      this.analytics.note("soft_prompt_dismissed");
      this.state = "ANONYMOUS";
    };
    const signUp = { label: this.strings.say("signUp"), act: () => this.#action("signUp") };
    this.notices.show("prompt", { text: this.strings.say("softPrompt"), choices: [signUp], dismiss: dismissed, class: "chatkit-soft-prompt" });
    this.analytics.note("soft_prompt_shown");
    this.state = "SOFT_PROMPT_SHOWN";
  }

  /** @param {string | null} id */
  #changed(id) {
    this.#conversationId = id;
    this.#emit("chatkit.conversation.change", { conversation_id: id });
  }

  /** @param {{action: string, retry_after: number}} limit */
  limited({ action, retry_after }) {
    const signUp = { label: this.strings.say("limitSignUp"), act: () => this.#withAccount((account) => account.signUp("signUpWhyLimit")) };
    this.notices.limit(retry_after, this.session.isSignedIn ? [] : [signUp]);
    this.analytics.note("rate_limit_triggered", { action });
    this.#emit("chatkit.limit", { action, retry_after });
  }

  /** @param {string} code @param {string} message */
  problem(code, message) {
    const text = message || this.strings.say("wentWrong");
    this.notices.show("problem", { text, dismiss: () => undefined, class: "bad" });
    this.#emit("chatkit.error", { code, message: text });
  }

  /** What a call was refused with, where the visitor can read it. @param {unknown} error @param {string} [action] */
  refused(error, action = "") {
    const wait = error instanceof ApiError ? error.retryAfter : null;
    if (wait) this.limited({ action, retry_after: wait });
    else if (error instanceof ApiError) this.problem(error.code, error.message);
    else this.problem("unreachable", this.strings.say("unavailable"));
  }

  // Identity

  /** Another tab may have moved on to another conversation, or sent what was waiting. */
  #kept() {
    if (!this.#isStarted) return;
    const id = this.session.kept.conversation_id ?? null;
    if (id !== this.#conversationId && id !== this.conversation.id) this.setConversation(id);
    this.#identityShown();
    this.#account?.kept();
  }

  #otherCredential() {
    if (!this.#isStarted) return;
    const wasSignedIn = this.#state === "LOGGED_IN";
    const { isSignedIn } = this.session;
    this.link.reconnect();
    this.#identityShown();
    if (isSignedIn && !wasSignedIn) this.#signedIn();
    else if (!isSignedIn && wasSignedIn) this.#signedOut();
  }

  #signedIn() {
    this.state = "LOGGED_IN";
    this.notices.remove("prompt");
    this.notices.remove("expired");
    this.notices.remove("limit");
    this.#withAccount((account) => account.signedIn());
  }

  #signedOut() {
    this.#account?.close();
    this.state = "ANONYMOUS";
  }

  #expired() {
    this.state = "SESSION_EXPIRED";
    const again = { label: this.strings.say("signInAgain"), act: () => this.#action("signUp") };
    this.notices.show("expired", { text: this.strings.say("expired"), choices: [again], dismiss: () => { this.state = "ANONYMOUS"; } });
  }

  /** Dialogs and what belongs to them come when they are first needed. */
  async account() {
    if (!this.#account) {
      const { Account } = await import("./account.js");
      this.#account ??= new Account(this, this.#controller.signal);
    }
    return this.#account;
  }

  /** @param {(account: Account) => void} task */
  #withAccount(task) {
    this.account().then(task).catch((error) => this.refused(error));
  }

  /** @param {typeof ACTIONS[number][0]} name */
  #action(name) {
    this.#withAccount((account) => account.act(name));
  }

  // Actions

  /** @param {string} act @param {Item} item @param {MessageView} view */
  #act(act, item, view) {
    if (act === "retry") this.conversation.retry(item).catch((error) => this.refused(error, "chat"));
    else if (act === "edit") this.#edit(item);
    else if (act === "up" || act === "down") this.#withAccount((account) => account.rate(item, act === "up" ? 1 : -1, view));
  }

  /** @param {Item} item */
  #edit(item) {
    if (this.conversation.writing) this.conversation.stop();
    this.composer.value = item.content;
    this.composer.focus();
  }

  /** @param {string} text */
  async ask(text) {
    if (this.#options.isDisabled) throw new Error(this.strings.say("disabled"));
    const context = { selected_text: this.#selected || undefined };
    this.forgetSelection();
    for (const name of ["problem", "said"]) this.notices.remove(name);
    this.conversation.ask(text, context);
    this.#emit("chatkit:send", { message: text, timestamp: new Date().toISOString() });
    this.list.toLatest();
  }

  open() {
    if (!this.isCorner) return this.composer.focus();
    this.#setOpen(true);
    this.composer.focus();
  }

  close() {
    if (!this.isCorner) return;
    this.#setOpen(false);
    this.panel.launcher.focus();
  }

  /** @param {KeyboardEvent} event */
  #escape(event) {
    if (!this.isCorner || event.defaultPrevented || event.isComposing) return;
    event.stopPropagation();
    this.close();
  }

  /** @param {string | null} id */
  async setConversation(id) {
    this.notices.remove("problem");
    await this.conversation.load(id);
  }

  startAfresh() {
    if (this.conversation.writing) this.conversation.stop();
    this.setConversation(null).catch((error) => this.refused(error));
    this.composer.focus();
  }

  // Text selected on the page around

  #offerSelection() {
    import("./selection.js").then(({ SelectionOffer }) => {
      if (!this.#controller.signal.aborted) new SelectionOffer(this, this.#controller.signal);
    }).catch(() => undefined);
  }

  /** @param {string} text */
  askAbout(text) {
    this.#selected = text;
    const forget = () => this.forgetSelection();
    this.open();
    this.notices.show("selection", { text: shortened(text), dismiss: forget, class: "quoted" });
    this.composer.focus();
  }

  forgetSelection() {
    this.#selected = "";
    this.notices.remove("selection");
  }

  destroy() {
    this.analytics.flush();
    this.#account?.close();
    this.#controller.abort();
    this.conversation.close();
    this.notices.close();
    this.list.close();
    this.session.close();
    this.panel.root.remove();
  }
}
