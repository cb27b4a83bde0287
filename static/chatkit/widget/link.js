/** The line to the server: a WebSocket that comes back by itself, and events over HTTP where no socket gets through. */

const LONGEST_WAIT = 16;
const PATIENCE = 4000;
const UPGRADES = 2;
const [UNAUTHORIZED, FORBIDDEN, TOO_MANY, RESTARTING, SERVICE_RESTART] = [4401, 4403, 4429, 4012, 1012];

export class Link {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {EventLink | null} */
  #events = null;
  /** @type {LinkState} */
  #state = "connecting";
  #attempt = 0;
  #failedUpgrades = 0;
  #renewals = 0;
  #isOpening = false;
  #isClosed = false;
  #isReady = false;
  #retry = 0;
  #ping = 0;
  #probe = 0;
  #session;
  #hooks;

  /** @param {Session} session @param {Hooks} hooks @param {AbortSignal} signal */
  constructor(session, hooks, signal) {
    this.#session = session;
    this.#hooks = hooks;
    addEventListener("online", () => this.wake(), { signal });
    addEventListener("offline", () => this.#tell("offline"), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.wake(), { signal });
    signal.addEventListener("abort", () => this.close());
  }

  get isReady() {
    return this.#isReady;
  }

  get state() {
    return this.#state;
  }

  /** Whether frames of other tabs' turns arrive by themselves. */
  get isSocket() {
    return !this.#events;
  }

  async open() {
    if (this.#isClosed || this.#isOpening || this.#socket) return;
    clearTimeout(this.#retry);
    this.#isOpening = true;
    try {
      const token = await this.#session.token();
      if (!this.#isClosed) this.#connect(token);
    } catch {
      this.#later();
    } finally {
      this.#isOpening = false;
    }
  }

  /** @param {string} token */
  #connect(token) {
    const url = `${this.#session.server.replace(/^http/, "ws")}/ws/chat`;
    const socket = new WebSocket(url, ["jwt-auth", `jwt.${base64url(token)}`]);
    this.#socket = socket;
    let hasOpened = false;
    socket.onopen = () => { hasOpened = true; };
    socket.onmessage = (event) => this.#hear(socket, JSON.parse(event.data), token);
    socket.onclose = (event) => this.#lost(socket, event.code, hasOpened, token);
  }

  /** @param {WebSocket} socket @param {any} frame @param {string} token */
  #hear(socket, frame, token) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#probe);
    this.#probe = 0;
    if (frame.type === "session.ready") this.#ready(frame.payload);
    else if (frame.type === "auth.expiring") this.#refresh(token);
    this.#hooks.onframe(frame);
  }

  /** @param {any} ready */
  #ready(ready) {
    this.#attempt = this.#failedUpgrades = this.#renewals = 0;
    this.#isReady = true;
    this.#events?.close();
    this.#events = null;
    clearInterval(this.#ping);
    this.#ping = setInterval(() => this.#beat(), ready.heartbeat_seconds * 1000);
    this.#tell("online");
    this.#hooks.onready(ready);
  }

  /** @param {string} token */
  async #refresh(token) {
    const renewed = await this.#session.renew(token).catch(() => token);
    if (renewed !== token) this.send("auth.refresh", { token: renewed });
  }

  /** @param {WebSocket} socket @param {number} code @param {boolean} hasOpened @param {string} token */
  async #lost(socket, code, hasOpened, token) {
    if (socket !== this.#socket || this.#isClosed) return;
    this.#drop();
    if (!hasOpened) this.#failedUpgrades += 1;
    if (code === FORBIDDEN) return this.#tell("stopped");
    if (code === UNAUTHORIZED && this.#renewals++ < 2) return this.#again(token);
    if (code === RESTARTING || code === SERVICE_RESTART) return this.#later(Math.random());
    if (code === TOO_MANY) this.#attempt = Math.log2(LONGEST_WAIT);
    if (this.#failedUpgrades >= UPGRADES && await this.#fallBack()) return;
    this.#later();
  }

  /** @param {string} token */
  async #again(token) {
    try {
      await this.#session.renew(token);
      await this.open();
    } catch {
      this.#later();
    }
  }

  /** Where plain requests get through and upgrades do not, some proxy in between knows no sockets. */
  async #fallBack() {
    const response = await this.#session.fetch("/auth/session-check", { patience: PATIENCE }).catch(() => null);
    if (this.#isClosed || this.#socket || !response) return false;
    if (response.status === 403) {
      this.#tell("stopped");
      return true;
    }
    if (!response.ok) return false;
    const { EventLink } = await import("./sse.js");
    if (this.#isClosed || this.#socket) return false;
    this.#events ??= new EventLink(this.#session, (frame) => this.#hooks.onframe(frame));
    this.#isReady = true;
    this.#tell("online");
    this.#hooks.onready({});
    return true;
  }

  /** Full jitter, so that a thousand widgets do not come back as one. @param {number} [seconds] */
  #later(seconds = Math.random() * Math.min(LONGEST_WAIT, 2 ** this.#attempt++)) {
    if (this.#isClosed || this.#state === "stopped") return;
    this.#tell(navigator.onLine ? "connecting" : "offline");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.open(), seconds * 1000);
  }

  /** Back from sleep, another tab or no network: the line may be dead without anybody having said so. */
  wake() {
    if (this.#isClosed || this.#state === "stopped") return;
    if (this.#isReady && this.#socket) this.#beat();
    else if (!this.#socket) this.open();
  }

  #beat() {
    this.send("ping", {});
    this.#probe ||= setTimeout(() => this.reconnect(), PATIENCE);
  }

  /** A new line at once, with whatever credential is in force. */
  reconnect() {
    if (this.#isClosed || (!this.#socket && !this.#events && this.#state === "connecting")) return;
    this.#drop();
    this.#events?.close();
    this.#events = null;
    this.#attempt = this.#failedUpgrades = 0;
    this.#tell("connecting");
    this.open();
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    clearInterval(this.#ping);
    clearTimeout(this.#probe);
    this.#probe = 0;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Whether it went out; what must not be lost is kept by whoever sends it. @param {string} type @param {object} payload @param {string} [id] */
  send(type, payload, id) {
    if (!this.#isReady) return false;
    if (this.#events && !this.#socket) return this.#events.send(type, payload, id);
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ type, payload, id }));
    return true;
  }

  /** @param {LinkState} state */
  #tell(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#hooks.onstate(state);
  }

  close() {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#drop();
    this.#events?.close();
  }
}

/** @param {string} text */
function base64url(text) {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
