/** Who this browser is: a visitor, then perhaps a person. Tokens go from here into requests, and nowhere else. */

import { Api, ApiError, refuse } from "./api.js";
import { Storage } from "./storage.js";

export class Session extends EventTarget {
  #api;
  #storage;
  #token = "";

  /** @param {string} server */
  constructor(server) {
    super();
    this.#api = new Api(server);
    this.#storage = new Storage(server, () => this.#heard());
    this.#token = this.kept.credential?.token ?? "";
  }

  get kept() {
    return this.#storage.read();
  }

  get server() {
    return this.#api.server;
  }

  /** @param {Partial<Kept>} changes */
  keep(changes) {
    this.#storage.write(changes);
  }

  get user() {
    return this.kept.user ?? null;
  }

  get isSignedIn() {
    return Boolean(this.user);
  }

  /** A credential that is worth trying. */
  async token() {
    const { credential } = this.kept;
    if (!credential) return this.#enter();
    if (isAging(credential)) await this.renew(credential.token).catch(() => undefined);
    return this.kept.credential?.token ?? this.#enter();
  }

  /** As whoever this is; a credential that has ended is renewed, once. @param {string} path @param {Call} [call] */
  async fetch(path, call = {}) {
    const token = await this.token();
    const response = await this.#api.fetch(path, { ...call, token });
    if (response.status !== 401) return response;
    return this.#api.fetch(path, { ...call, token: await this.renew(token) });
  }

  /** @param {string} path @param {Call} [call] @returns {Promise<any>} */
  async call(path, call) {
    const response = await this.checked(await this.fetch(path, call));
    return response.status === 204 ? null : response.json();
  }

  /** Refusals are thrown. @param {Response} response */
  async checked(response) {
    await refuse(response);
    return response;
  }

  /** With whatever credential there is, and without one where there is none. @param {string} path @param {object} body */
  report(path, body) {
    return this.#api.fetch(path, { body, token: this.kept.credential?.token, keepalive: true });
  }

  /** Another credential in place of one that was refused, whichever tab is first. @param {string} refused */
  async renew(refused) {
    await this.#alone(async () => {
      const { credential } = this.kept;
      if (credential?.token !== refused) return;
      await (credential.kind === "session" ? this.#refresh(credential) : this.#return(credential));
    });
    return this.kept.credential?.token ?? this.#enter();
  }

  /** @param {KeptCredential} credential */
  async #refresh(credential) {
    try {
      const issued = await this.#api.call("/auth/refresh-token", { method: "POST", token: credential.token });
      this.#become({ credential: credentialOf("session", issued.token, issued.expires_at) });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      this.expire();
    }
  }

  /** The same visitor with a new token; where the old one proves nothing any more, somebody new. @param {KeptCredential} credential */
  async #return(credential) {
    if (credential.kind === "host") return this.expire();
    const { anon_id: before } = this.kept;
    const entered = await this.#api.call("/auth/visitor", { body: { anon_id: before }, token: credential.token });
    this.#welcome(entered, before);
  }

  async #enter() {
    await this.#alone(async () => {
      if (!this.kept.credential) this.#welcome(await this.#api.call("/auth/visitor", { body: {} }));
    });
    return this.kept.credential?.token ?? "";
  }

  /** @param {any} entered @param {string} [before] */
  #welcome(entered, before) {
    const isNew = entered.anon_id !== before;
    const { visitor_token: token, anon_id, expires_at } = entered;
    const fresh = isNew ? { conversation_id: null, answers: 0 } : {};
    this.#become({ credential: credentialOf("visitor", token, expires_at), anon_id, user: null, ...fresh });
    if (isNew) this.#announce("created");
  }

  /** Signs in with what `verify` or its link gave. @param {any} verified */
  signIn(verified) {
    const credential = credentialOf("session", verified.session_token, verified.expires_at);
    this.#become({ credential, user: verified.user_profile, pending: undefined, ...this.#leftBehind() });
  }

  /** What a visitor said stays theirs until they choose to bring it along. @returns {Partial<Kept>} */
  #leftBehind() {
    const { credential, anon_id, conversation_id } = this.kept;
    const isVisitor = credential?.kind === "visitor" && anon_id;
    const visitor = isVisitor ? { token: credential.token, anon_id, conversation_id } : undefined;
    return { visitor, conversation_id: null, outbox: [] };
  }

  /** As the person whom the page around the widget knows. @param {string} token */
  async identify(token) {
    const me = await this.#api.call("/auth/me", { token });
    const isSame = Boolean(this.user?.email && this.user.email === me.email);
    this.#become({
      credential: credentialOf("host", token, me.credential.expires_at),
      user: { email: me.email ?? "", tier: me.tier },
      pending: undefined,
      ...(isSame ? {} : this.#leftBehind()),
    });
  }

  /** Brings along what was said before signing in. @returns {Promise<number>} */
  async migrate() {
    const { visitor } = this.kept;
    if (!visitor) return 0;
    const body = { anon_id: visitor.anon_id, visitor_token: visitor.token };
    const { migrated_messages: moved } = await this.call("/auth/migrate-session", { body });
    this.keep({ visitor: undefined });
    return moved;
  }

  /** Ends the credential on the server too; a server that is away must not keep anybody signed in here. */
  async logOut() {
    const token = this.kept.credential?.token;
    this.#become(NOBODY);
    if (token) await this.#api.call("/auth/logout", { body: {}, token }).catch(() => undefined);
  }

  expire() {
    this.#become(NOBODY);
    this.#announce("expired");
  }

  /** @param {Partial<Kept>} changes */
  #become(changes) {
    this.#storage.write(changes);
    this.#heard();
  }

  #heard() {
    const token = this.kept.credential?.token ?? "";
    const isOther = token !== this.#token;
    this.#token = token;
    this.#announce("kept");
    if (isOther) this.#announce("credential");
  }

  /** @param {string} name */
  #announce(name) {
    this.dispatchEvent(new Event(name));
  }

  /** One tab at a time, where the browser can say so. @param {() => Promise<void>} task */
  async #alone(task) {
    if (navigator.locks) await navigator.locks.request(this.#storage.name, task);
    else await task();
  }

  close() {
    this.#storage.close();
  }
}

const NOBODY = {
  credential: undefined,
  anon_id: undefined,
  user: null,
  visitor: undefined,
  pending: undefined,
  conversation_id: null,
  outbox: [],
  answers: 0,
};

/** @param {KeptCredential["kind"]} kind @param {string} token @param {string} expires_at @returns {KeptCredential} */
function credentialOf(kind, token, expires_at) {
  return { kind, token, expires_at, issued_at: new Date().toISOString() };
}

/** Past half of its life, and still good enough to ask for the next. @param {KeptCredential} credential */
function isAging({ kind, issued_at, expires_at }) {
  const [from, to] = [Date.parse(issued_at), Date.parse(expires_at)];
  return kind === "session" && Date.now() > (from + to) / 2;
}
