/** All that the widget keeps: one record a server, in `localStorage` under `chatkit:<server>`; the same in every tab. */

export class Storage {
  /** @type {string} */
  #text = "{}";
  #key;
  #channel;
  #heard;
  #controller = new AbortController();

  /** @param {string} server @param {() => void} heard called when another widget or tab changed something */
  constructor(server, heard) {
    this.#key = `chatkit:${server}`;
    this.#heard = heard;
    this.#channel = new BroadcastChannel(this.#key);
    this.#channel.onmessage = () => this.#heard();
    // A message may overtake what it tells of: only this event says that the change has arrived in this tab's process.
    const arrived = (/** @type {StorageEvent} */ event) => event.key === this.#key && this.#heard();
    addEventListener("storage", arrived, { signal: this.#controller.signal });
  }

  get name() {
    return this.#key;
  }

  /** @returns {Kept} */
  read() {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? this.#text);
    } catch {
      // Storage is forbidden here, or somebody else wrote into it: what this page knows has to do.
      return JSON.parse(this.#text);
    }
  }

  /** @param {Partial<Kept>} changes */
  write(changes) {
    this.#text = JSON.stringify({ ...this.read(), ...changes });
    this.#save();
    // Says only that something changed: a channel is no place for tokens.
    this.#channel.postMessage("changed");
  }

  #save() {
    try {
      localStorage.setItem(this.#key, this.#text);
    } catch {
      // Forbidden or full: it lives as long as this page.
    }
  }

  close() {
    this.#controller.abort();
    this.#channel.close();
  }
}
