/** Signing up: an address, a mail, and the proof that it was read. Nobody has to, and every step can be left. */

import { ApiError } from "./api.js";
import { Dialog } from "./dialog.js";
import { make } from "./dom.js";

const LOOK_EVERY = 3000;

export class SignUp {
  #widget;
  #strings;
  /** @type {Dialog | null} */
  #dialog = null;
  #timer = 0;
  #isLooking = false;

  /** @param {Widget} widget @param {AbortSignal} signal */
  constructor(widget, signal) {
    this.#widget = widget;
    this.#strings = widget.strings;
    document.addEventListener("visibilitychange", () => document.hidden || this.#look(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  get #session() {
    return this.#widget.session;
  }

  /** @param {Key} [reason] */
  ask(reason) {
    if (this.#session.kept.pending) return this.#askForCode();
    const dialog = this.#opened();
    const email = make("input", { type: "email", name: "email", required: true, autocomplete: "email", maxlength: "254", dir: "ltr" });
    const consent = make("input", { type: "checkbox", name: "consent", required: true });
    const form = make("form", {},
      make("p", {}, reason ? `${this.#strings.say(reason)} ${this.#strings.say("signUpHow")}` : this.#strings.say("signUpHow")),
      make("label", { class: "field" }, this.#strings.say("email"), email),
      make("label", { class: "choice" }, consent, this.#strings.say("consent")),
      this.#buttons(this.#strings.say("sendLink")));
    form.addEventListener("submit", (event) => this.#submitted(event, () => this.#signUp(email.value)));
    dialog.show(this.#strings.say("signUpTitle"), form);
    this.#widget.analytics.note("signup_modal_opened");
    this.#widget.state = "SIGNUP_MODAL_OPEN";
  }

  #opened() {
    this.#dialog ??= new Dialog(this.#widget.panel.root, this.#strings, () => this.#closed());
    return this.#dialog;
  }

  /** @param {string} label @param {...Node} more */
  #buttons(label, ...more) {
    const cancel = make("button", { type: "button", class: "text-button quiet" }, this.#strings.say("cancel"));
    cancel.addEventListener("click", () => this.#dialog?.close());
    return make("div", { class: "row" }, ...more, cancel, make("button", { type: "submit", class: "text-button solid" }, label));
  }

  #closed() {
    this.#dialog = null;
    const { state } = this.#widget;
    if (state === "SIGNUP_MODAL_OPEN") {
      this.#widget.analytics.note("signup_modal_closed");
      this.#widget.state = "ANONYMOUS";
    }
    if (this.#session.kept.pending) this.#remind();
  }

  /** One submission at a time; what is refused is said in the dialog. @param {Event} event @param {() => Promise<void>} task */
  async #submitted(event, task) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    if (form.ariaBusy === "true") return;
    form.ariaBusy = "true";
    try {
      await task();
    } catch (error) {
      this.#refused(error);
    } finally {
      form.ariaBusy = null;
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    const text = error instanceof ApiError && error.message ? error.message : this.#strings.say("unavailable");
    if (error instanceof ApiError && error.retryAfter) this.#widget.limited({ action: "signup", retry_after: error.retryAfter });
    this.#dialog?.refuse(text);
  }

  /** @param {string} address */
  async #signUp(address) {
    const email = address.trim();
    const { number } = await this.#session.call("/auth/signup", { body: { email, consent_data_storage: true, wait: true } });
    this.#session.keep({ pending: { email, number } });
    this.#widget.analytics.note("signup_initiated");
    this.#askForCode();
  }

  #askForCode() {
    const email = this.#session.kept.pending?.email ?? "";
    const dialog = this.#opened();
    const code = make("input", { name: "code", required: true, autocomplete: "one-time-code", maxlength: "200", spellcheck: "false", autocapitalize: "off", dir: "ltr" });
    const form = make("form", {},
      make("p", {}, this.#strings.say("verifySent", { email })),
      ...this.#number(),
      make("label", { class: "field" }, this.#strings.say("code"), code),
      make("p", { class: "waiting", role: "status" }, this.#strings.say("verifyWaiting")),
      this.#buttons(this.#strings.say("verify")),
      make("div", { class: "row" }, this.#again(email), this.#otherAddress()));
    form.addEventListener("submit", (event) => this.#submitted(event, () => this.#verify(code.value.trim())));
    dialog.show(this.#strings.say("verifyTitle"), form);
    this.#widget.notices.remove("pending");
    this.#widget.state = "EMAIL_VERIFICATION_PENDING";
    this.#lookLater();
  }

  /** Typed where the link leads, it says that this chat is the one to sign in. */
  #number() {
    const number = this.#session.kept.pending?.number;
    if (!number) return [];
    return [make("p", {}, this.#strings.say("verifyNumber"), " ", make("strong", { class: "number", dir: "ltr" }, number))];
  }

  /** @param {string} email */
  #again(email) {
    const button = make("button", { type: "button", class: "text-button" }, this.#strings.say("resend"));
    button.addEventListener("click", (event) => this.#submitted(event, async () => {
      await this.#session.call("/auth/resend-verification", { body: { email } });
      const waiting = this.#dialog?.content.querySelector(".waiting");
      if (waiting) waiting.textContent = this.#strings.say("resent");
      this.#lookLater();
    }));
    return button;
  }

  #otherAddress() {
    const button = make("button", { type: "button", class: "text-button" }, this.#strings.say("otherAddress"));
    button.addEventListener("click", () => {
      this.#forget();
      this.ask();
    });
    return button;
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#session.keep({ pending: undefined });
    this.#widget.notices.remove("pending");
  }

  /** @param {string} token */
  async #verify(token) {
    try {
      this.#signedIn(await this.#session.call("/auth/verify", { body: { token } }));
    } catch (error) {
      this.#widget.state = "VERIFICATION_FAILED";
      throw error;
    }
  }

  /** @param {any} verified */
  #signedIn(verified) {
    clearTimeout(this.#timer);
    this.#session.signIn(verified);
    this.#widget.analytics.note("email_verified");
    this.close();
  }

  // Waiting for the link, which may be opened anywhere.

  goOn() {
    this.#widget.state = "EMAIL_VERIFICATION_PENDING";
    this.#remind();
    this.#look();
  }

  #remind() {
    const email = this.#session.kept.pending?.email ?? "";
    const choices = [
      { label: this.#strings.say("code"), act: () => this.#askForCode() },
      { label: this.#strings.say("cancel"), isQuiet: true, act: () => this.#giveUp() },
    ];
    this.#widget.notices.show("pending", { text: this.#strings.say("verifySent", { email }), choices });
  }

  #giveUp() {
    this.#forget();
    this.#widget.state = "ANONYMOUS";
  }

  #lookLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), LOOK_EVERY);
  }

  async #look() {
    if (!this.#session.kept.pending || this.#isLooking) return;
    this.#isLooking = true;
    const status = await this.#session.call("/auth/collect", { method: "POST" }).catch(() => ({ pending: true }));
    this.#isLooking = false;
    if (!this.#session.kept.pending) return;
    if (status.session_token) this.#signedIn(status);
    else if (status.pending) this.#lookLater();
    else this.#tooLate();
  }

  /** The server waits for this address no longer. */
  #tooLate() {
    this.#forget();
    this.#widget.state = "VERIFICATION_FAILED";
    const text = this.#strings.say("verifyExpired");
    if (this.#dialog) this.#dialog.refuse(text);
    else this.#widget.notices.show("problem", { text, dismiss: () => undefined, class: "bad" });
  }

  close() {
    this.#widget.notices.remove("pending");
    this.#dialog?.close();
  }
}
