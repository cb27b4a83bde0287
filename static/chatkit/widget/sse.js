/** The same conversation over plain HTTP: for networks that let no WebSocket through. */

import { ApiError, refuse } from "./api.js";

const EVENTS = /** @type {Record<string, string>} */ ({
  sources: "agent.sources",
  token: "agent.token",
  done: "agent.completed",
  error: "agent.failed",
});
const LONGEST_WAIT = 16;

export class EventLink {
  #session;
  #hear;
  #controller = new AbortController();

  /** @param {Session} session @param {(frame: any) => void} hear */
  constructor(session, hear) {
    this.#session = session;
    this.#hear = hear;
  }

  close() {
    this.#controller.abort();
  }

  /** @param {string} type @param {any} payload @param {string} [id] */
  send(type, payload, id) {
    if (type === "agent.message") this.#ask(payload, id);
    else if (type === "turn.resume") this.#follow(payload.turn_id, payload.after_seq);
    else if (type === "turn.cancel") this.#session.call(`/chat/turns/${payload.turn_id}/cancel`, { method: "POST" }).catch(() => undefined);
    return true;
  }

  /** @param {any} payload @param {string} [id] */
  async #ask({ text, ...rest }, id) {
    try {
      const response = await this.#session.fetch("/chat/stream", { body: { message: text, ...rest }, patience: 0 });
      await refuse(response);
      await this.#read(response, { client_message_id: id });
    } catch (error) {
      this.#refused(error, id);
    }
  }

  /** Again and again from where it broke off, until the turn has ended. @param {string} turnId @param {number} after */
  async #follow(turnId, after) {
    const place = { turn_id: turnId, seq: after, isOver: false };
    for (let attempt = 0; !place.isOver && !this.#controller.signal.aborted; attempt++) {
      try {
        const response = await this.#session.fetch(`/chat/turns/${turnId}/events?after=${place.seq}`, { patience: 0 });
        await refuse(response);
        await this.#read(response, place);
        attempt = 0;
      } catch (error) {
        if (error instanceof ApiError && error.status < 500) return this.#refused(error, turnId);
      }
      if (!place.isOver) await pause(Math.random() * Math.min(LONGEST_WAIT, 2 ** attempt));
    }
  }

  /** @param {Response} response @param {any} place */
  async #read(response, place) {
    try {
      for await (const event of eventsIn(response, this.#controller.signal)) this.#tell(event, place);
    } catch (error) {
      if (!place.turn_id || this.#controller.signal.aborted) throw error;
    }
    if (place.client_message_id && place.turn_id && !place.isOver) await this.#follow(place.turn_id, place.seq);
  }

  /** @param {{id: string, event: string, data: string}} event @param {any} place */
  #tell({ id, event, data }, place) {
    const [turnId, seq] = [id.slice(0, id.lastIndexOf(":")), Number(id.slice(id.lastIndexOf(":") + 1))];
    const body = JSON.parse(data);
    if (place.client_message_id && !place.turn_id) {
      this.#hear({ type: "message.accepted", id: place.client_message_id, payload: { turn_id: turnId, client_message_id: place.client_message_id } });
    }
    Object.assign(place, { turn_id: turnId, seq, isOver: event === "done" || event === "error" });
    const isCancelled = event === "done" && body.status === "cancelled";
    const eventType = isCancelled ? "agent.cancelled" : EVENTS[event];
    this.#hear({ type: "runtime_event", event_type: eventType, turn_id: turnId, seq, data: { retry: body.detail?.retry, ...body }, skips: true });
  }

  /** @param {unknown} error @param {string} [id] */
  #refused(error, id) {
    if (this.#controller.signal.aborted) return;
    if (error instanceof ApiError) this.#hear({ type: "error", id, error: error.code, message: error.message, status_code: error.status, detail: error.detail });
    else this.#hear({ type: "lost", id });
  }
}

/** @param {Response} response @param {AbortSignal} signal */
async function* eventsIn(response, signal) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  signal.addEventListener("abort", () => reader.cancel().catch(() => undefined), { once: true });
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = fieldsOf(block);
      if (event.data) yield event;
    }
  }
}

/** @param {string} block */
function fieldsOf(block) {
  const event = { id: "", event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name) event[/** @type {"id"} */ (name)] = value;
  }
  return event;
}

/** @param {number} seconds */
function pause(seconds) {
  return new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
}
