/**
 * Stands between the widget and the network: sees every call and frame, and can cut the socket as a bad line would.
 * Installed before the widget's module runs, because that keeps what it finds.
 */

/** @typedef {{method: string, url: string, status: number, body: any}} Call */
/** @typedef {{type: string, event_type?: string, turn_id?: string, seq?: number, data?: any}} Frame */

const CREDENTIAL = /^jwt\.(.+)$/;

export class Network extends EventTarget {
  /** @type {Call[]} */
  calls = [];
  /** @type {Frame[]} */
  frames = [];
  /** How the widget proves who it is, as it last did. It stays in this object. */
  credential = "";
  sockets = 0;
  /** @type {Set<ObservedSocket>} */
  #open = new Set();
  /** @type {string[]} */
  #cutsAt = [];
  #fetch = window.fetch.bind(window);

  install() {
    const network = this;
    window.fetch = (input, init) => network.#observed(input, init);
    window.WebSocket = /** @type {any} */ (class extends ObservedSocket {
      /** @param {string | URL} url @param {string | string[]} [protocols] */
      constructor(url, protocols) {
        super(url, protocols);
        network.opened(this, [protocols ?? []].flat());
      }
    });
  }

  /** As the widget would call, and without its knowledge. @param {string} path @param {RequestInit} [init] */
  call(path, init = {}) {
    const headers = { Authorization: `Bearer ${this.credential}`, "Content-Type": "application/json", ...init.headers };
    return this.#fetch(path, { ...init, headers });
  }

  /** @param {ObservedSocket} socket @param {string[]} protocols */
  opened(socket, protocols) {
    this.sockets += 1;
    this.#open.add(socket);
    const carried = protocols.map((offer) => CREDENTIAL.exec(offer)?.[1]).find(Boolean);
    if (carried) this.credential = decoded(carried);
    socket.addEventListener("message", (event) => this.#heard(socket, event.data));
    socket.addEventListener("close", () => this.#open.delete(socket));
  }

  /**
   * Cuts the line right after the next event of each kind, in this order: what is sent after it never arrives.
   * @param {string[]} kinds
   */
  cutAt(kinds) {
    this.#cutsAt = [...kinds];
  }

  /** Cuts every open socket. Says how many there were. */
  cut() {
    const open = [...this.#open];
    for (const socket of open) socket.cut();
    return open.length;
  }

  /** @param {ObservedSocket} socket @param {unknown} data */
  #heard(socket, data) {
    const frame = /** @type {Frame | null} */ (typeof data === "string" ? parsed(data) : null);
    if (!frame) return;
    this.frames.push(frame);
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    if (frame.event_type && frame.event_type === this.#cutsAt[0]) {
      this.#cutsAt.shift();
      socket.deafen();
      // The widget's own listener comes after this one, and shall still see this frame.
      setTimeout(() => socket.cut());
    }
  }

  /** @param {RequestInfo | URL} input @param {RequestInit} [init] */
  async #observed(input, init) {
    const request = input instanceof Request ? input : null;
    const headers = new Headers(init?.headers ?? request?.headers);
    const bearer = headers.get("Authorization")?.replace(/^Bearer /, "");
    if (bearer) this.credential = bearer;
    const response = await this.#fetch(input, init);
    const method = init?.method ?? request?.method ?? "GET";
    const isJSON = response.headers.get("Content-Type")?.startsWith("application/json");
    const body = isJSON ? await response.clone().json().catch(() => null) : null;
    const call = { method, url: new URL(request?.url ?? String(input), location.href).pathname, status: response.status, body };
    this.calls.push(call);
    this.dispatchEvent(new CustomEvent("call", { detail: call }));
    return response;
  }
}

/** A socket that can be cut: it is closed for good, and its owner hears of it as of a line that broke. */
class ObservedSocket extends WebSocket {
  #isDeaf = false;
  #isCut = false;

  /** @param {string | URL} url @param {string | string[]} [protocols] */
  constructor(url, protocols) {
    super(url, protocols);
    this.addEventListener("message", (event) => this.#isDeaf && event.stopImmediatePropagation());
    this.addEventListener("close", (event) => this.#isCut && event.isTrusted && event.stopImmediatePropagation());
    this.addEventListener("error", (event) => this.#isCut && event.stopImmediatePropagation());
  }

  /** Nothing that comes after the frame at hand arrives. */
  deafen() {
    this.#isDeaf = true;
  }

  cut() {
    if (this.#isCut) return;
    this.#isDeaf = this.#isCut = true;
    super.close();
    this.dispatchEvent(new CloseEvent("close", { code: 1006, wasClean: false }));
  }
}

/** @param {string} carried base64url without padding, or the credential as it is */
function decoded(carried) {
  try {
    const text = atob(carried.replaceAll("-", "+").replaceAll("_", "/"));
    return /^[!-~]+$/.test(text) ? text : carried;
  } catch {
    return carried;
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
