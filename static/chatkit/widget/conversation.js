/** What was said, in order, and what is still to be sent. It knows no page; the list draws what it tells. */

import { ApiError } from "./api.js";

const PAGE = 200;
const ENDS = /** @type {Record<string, Status>} */ ({
  "agent.completed": "complete",
  "agent.cancelled": "cancelled",
  "agent.failed": "failed",
});

export class Conversation {
  /** @type {Item[]} */
  items = [];
  /** @type {string | null} */
  id = null;
  #session;
  #tell;
  /** @type {Link | null} */
  #link = null;
  /** Of the message that was sent and not acknowledged. @type {string | null} */
  #sending = null;
  #holdUntil = 0;
  #holdTimer = 0;
  #loads = 0;

  /** @param {Session} session @param {Teller} tell */
  constructor(session, tell) {
    this.#session = session;
    this.#tell = tell;
  }

  /** @param {Link} link */
  over(link) {
    this.#link = link;
  }

  /** The answer that is being written. */
  get writing() {
    return this.items.findLast((item) => item.status === "writing") ?? null;
  }

  get isBusy() {
    return Boolean(this.writing || this.#sending);
  }

  /** The person's own last message, if they may say it differently. */
  get lastOwn() {
    return this.items.findLast((item) => item.role === "user") ?? null;
  }

  // Sending

  /** @param {string} text @param {{selected_text?: string}} context */
  ask(text, { selected_text }) {
    const clientId = crypto.randomUUID();
    const context = { mode: selected_text ? "chat" : "browse", selected_text, page_url: location.href.slice(0, 2000) };
    this.#keepUnsent([...this.#unsent, { text, client_message_id: clientId, conversation_id: this.id, context }]);
    this.items.push({ ...itemOf("user", "queued", text), clientId, quote: selected_text, isNew: true });
    this.#tell.items(this.items);
    this.flush();
    return clientId;
  }

  get #unsent() {
    return this.#session.kept.outbox ?? [];
  }

  /** @param {Unsent[]} outbox */
  #keepUnsent(outbox) {
    this.#session.keep({ outbox });
  }

  /** The oldest unsent message, when nothing stands against it. */
  flush() {
    const next = this.#unsent.find((unsent) => unsent.conversation_id === this.id || !unsent.conversation_id);
    if (!next || this.isBusy || Date.now() < this.#holdUntil) return;
    const { text, client_message_id, context } = next;
    // One that began a conversation is sent again as it was: only so the server knows it again.
    const conversation_id = next.conversation_id ?? (this.#isFirst(client_message_id) ? null : this.id);
    const payload = { text, conversation_id, client_message_id, context };
    if (this.#link?.send("agent.message", payload, client_message_id)) this.#sending = client_message_id;
  }

  /** @param {string} clientId */
  #isFirst(clientId) {
    return this.items.find((item) => item.role === "user")?.clientId === clientId;
  }

  /** @param {string | null} clientId */
  #sent(clientId) {
    if (this.#sending === clientId) this.#sending = null;
    this.#keepUnsent(this.#unsent.filter((unsent) => unsent.client_message_id !== clientId));
  }

  // Hearing

  /** A new line: what was under way on the old one is picked up where it broke off. */
  async resume() {
    const { writing } = this;
    this.#sending = null;
    if (writing?.turnId) this.#link?.send("turn.resume", { turn_id: writing.turnId, after_seq: writing.seq }, writing.turnId);
    this.#join();
    this.flush();
  }

  #join() {
    if (this.id) this.#link?.send("conversation.join", { conversation_id: this.id }, this.id);
  }

  /** @param {any} frame */
  hear(frame) {
    if (frame.type === "runtime_event") this.#event(frame);
    else if (frame.type === "message.accepted") this.#accepted(frame.payload);
    else if (frame.type === "error") this.#refused(frame);
    else if (frame.type === "lost" && frame.id === this.#sending) this.#holdFor(1);
  }

  /** @param {any} accepted */
  #accepted({ message_id, turn_id, conversation_id, client_message_id }) {
    this.#sent(client_message_id);
    const question = this.items.find((item) => item.clientId === client_message_id);
    if (question) Object.assign(question, { id: message_id ?? question.id, status: "sent" });
    this.#replyOf(turn_id);
    if (conversation_id && conversation_id !== this.id) this.#moveTo(conversation_id);
    this.#tell.items(this.items);
  }

  /** @param {string} id */
  #moveTo(id) {
    this.id = id;
    this.#keepUnsent(this.#unsent.map((unsent) => ({ ...unsent, conversation_id: unsent.conversation_id ?? id })));
    this.#session.keep({ conversation_id: id });
    this.#join();
    this.#tell.changed(id);
  }

  /** The item of a turn's answer, begun where there is none. @param {string} turnId @returns {Item} */
  #replyOf(turnId) {
    const known = this.items.find((item) => item.turnId === turnId);
    if (known) return known;
    const reply = { ...itemOf("assistant", "writing"), turnId, isNew: true };
    const at = this.items.findIndex((item) => item.status === "queued" || item.status === "waiting");
    this.items.splice(at < 0 ? this.items.length : at, 0, reply);
    this.#tell.started(reply);
    return reply;
  }

  /** @param {any} frame */
  #event({ event_type, turn_id, seq, data, skips }) {
    const isKnown = this.items.some((item) => item.turnId === turn_id);
    if (!isKnown && data?.conversation_id && data.conversation_id !== this.id && !skips) return;
    const reply = this.#replyOf(turn_id);
    if (!isKnown) this.#askedElsewhere();
    if (seq <= reply.seq || reply.status !== "writing") return;
    // Plain HTTP leaves out the events that carry no text.
    if (seq > reply.seq + 1 && !skips) return this.#missed(reply);
    reply.seq = seq;
    if (event_type === "agent.sources") reply.sources = data.sources ?? [];
    else if (event_type === "agent.token") reply.content += data.content;
    else if (event_type in ENDS) return this.#ended(reply, ENDS[event_type], data);
    this.#tell.item(reply);
  }

  /** @param {Item} reply */
  #missed(reply) {
    this.#link?.send("turn.resume", { turn_id: reply.turnId, after_seq: reply.seq }, reply.turnId ?? undefined);
  }

  /** Another tab or device asked; what it asked is not in the events. */
  #askedElsewhere() {
    this.#tell.items(this.items);
    this.sync().catch(() => undefined);
  }

  /** @param {Item} reply @param {Status} status @param {any} data */
  #ended(reply, status, data) {
    Object.assign(reply, { status, id: data.message_id ?? reply.id, content: data.answer ?? reply.content });
    if (status === "failed") Object.assign(reply, { problem: data.message, mayRetry: data.retry !== false });
    if (data.conversation_id && data.conversation_id !== this.id) this.#moveTo(data.conversation_id);
    this.#tell.items(this.items);
    this.#tell.ended(reply);
    this.flush();
  }

  /** @param {any} frame */
  #refused({ id, error, message, detail }) {
    if (id && id === this.#sending) return this.#messageRefused(id, error, message, detail);
    // A turn or conversation that this person does not have (any more): what the server keeps is the truth.
    if (error === "not_found") this.sync().catch(() => undefined);
    else this.#tell.problem({ code: error, message });
  }

  /** @param {string} id @param {string} error @param {string} message @param {any} detail */
  #messageRefused(id, error, message, detail) {
    this.#sending = null;
    if (error === "rate_limited" && detail?.retry_after) return this.#limited(id, detail.retry_after);
    if (error === "turn_in_progress" || error === "server_at_capacity" || error === "service_unavailable") return this.#holdFor(1 + Math.random());
    this.#sent(id);
    if (error === "not_found") return this.#startAfresh(id);
    const item = this.items.find((each) => each.clientId === id);
    if (item) Object.assign(item, { status: "failed", problem: message });
    this.#tell.items(this.items);
    this.#tell.problem({ code: error, message });
    this.flush();
  }

  /** The conversation is gone; what was said in it is not asked for again. @param {string} id */
  #startAfresh(id) {
    const item = this.items.find((each) => each.clientId === id);
    this.#clear();
    if (item) this.ask(item.content, { selected_text: item.quote });
  }

  /** @param {string} id @param {number} seconds */
  #limited(id, seconds) {
    const item = this.items.find((each) => each.clientId === id);
    if (item) Object.assign(item, { status: "waiting", resumesAt: Date.now() + seconds * 1000 });
    this.#holdFor(seconds);
    this.#tell.items(this.items);
    this.#tell.limited({ action: "chat", retry_after: seconds });
  }

  /** @param {number} seconds */
  #holdFor(seconds) {
    this.#sending = null;
    this.#holdUntil = Date.now() + seconds * 1000;
    clearTimeout(this.#holdTimer);
    this.#holdTimer = setTimeout(() => this.#release(), seconds * 1000);
  }

  #release() {
    this.#holdUntil = 0;
    for (const item of this.items) if (item.status === "waiting") item.status = "queued";
    this.#tell.items(this.items);
    this.flush();
  }

  // Acting

  stop() {
    const { writing } = this;
    if (writing?.turnId) this.#link?.send("turn.cancel", { turn_id: writing.turnId });
  }

  /** The question of a failed answer once more. Its events come like those of any other tab. @param {Item} item */
  async retry(item) {
    const before = this.items[this.items.indexOf(item) - 1];
    const id = item.id ?? before?.id;
    if (!id || this.isBusy) return;
    const response = await this.#session.fetch(`/messages/${id}/retry`, { method: "POST", headers: { Accept: "text/event-stream" }, patience: 0 });
    if (!response.ok) throw new ApiError({ status_code: response.status, ...(await response.json().catch(() => null)) });
    await response.body?.cancel();
    if (!this.#link?.isSocket) await this.sync();
  }

  /** @param {Item} item @param {number} rating @param {string} [comment] */
  async rate(item, rating, comment) {
    await this.#session.call(`/messages/${item.id}/feedback`, { body: comment ? { rating, comment } : { rating } });
    item.rating = rating;
  }

  // Loading

  /** Another conversation, or a new one. @param {string | null} id */
  async load(id) {
    this.#clear(id);
    this.#tell.changed(id);
    this.#restoreUnsent();
    if (!id) return;
    await this.sync();
    this.#join();
  }

  /** @param {string | null} id */
  #clear(id = null) {
    this.items = [];
    this.id = id;
    this.#sending = null;
    if ((this.#session.kept.conversation_id ?? null) !== id) this.#session.keep({ conversation_id: id });
    this.#tell.items(this.items);
  }

  /** What was typed before a reload and not sent yet. */
  #restoreUnsent() {
    for (const { text, client_message_id: clientId, context, conversation_id } of this.#unsent) {
      if (conversation_id !== this.id || this.items.some((item) => item.clientId === clientId)) continue;
      const quote = /** @type {any} */ (context).selected_text;
      this.items.push({ ...itemOf("user", "queued", text), clientId, quote });
    }
    this.#tell.items(this.items);
  }

  /** What the server keeps of this conversation, laid under what this page knows. */
  async sync() {
    const { id } = this;
    const load = ++this.#loads;
    if (!id) return;
    try {
      const stored = await this.#stored(id);
      if (id === this.id && load === this.#loads) this.#merge(stored);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      if (id === this.id) await this.load(null);
    }
  }

  /** @param {string} id */
  async #stored(id) {
    const all = [];
    let path = `/conversations/${id}/messages?page_size=${PAGE}`;
    while (path) {
      const { results, next } = await this.#session.call(path);
      all.push(...results);
      path = next;
    }
    return all;
  }

  /** @param {any[]} stored */
  #merge(stored) {
    const merged = stored.map((message) => this.#known(message) ?? itemFrom(message));
    const isThere = new Set(merged);
    const rest = this.items.filter((item) => !isThere.has(item) && (item.status === "queued" || item.status === "waiting" || item.isNew));
    this.items = [...merged, ...rest];
    for (const { client_message_id } of stored) {
      if (this.#unsent.some((unsent) => unsent.client_message_id === client_message_id)) this.#sent(client_message_id);
    }
    this.#tell.items(this.items);
    const { writing } = this;
    if (writing && writing.seq < 0) this.#missed(writing);
    this.flush();
  }

  /** The item that shows this message, brought up to date. @param {any} message */
  #known(message) {
    const item = this.items.find((each) => each.id === message.id
      || (message.turn_id && each.turnId === message.turn_id)
      || (message.client_message_id && each.role === "user" && each.clientId === message.client_message_id));
    if (!item) return null;
    const fresh = itemFrom(message);
    // Events are ahead of what is stored while an answer is being written.
    if (item.status === "writing" && fresh.status === "writing") return Object.assign(item, { id: fresh.id });
    return Object.assign(item, fresh, { key: item.key, seq: item.seq, quote: item.quote, problem: item.problem, isNew: item.isNew });
  }

  close() {
    clearTimeout(this.#holdTimer);
  }
}

/** @param {Item["role"]} role @param {Status} status @param {string} [content] @returns {Item} */
function itemOf(role, status, content = "") {
  return { key: crypto.randomUUID(), role, status, content, id: null, turnId: null, clientId: null, sources: [], rating: null, seq: -1 };
}

/** @param {any} message as `/conversations/…/messages` tells it @returns {Item} */
function itemFrom(message) {
  return {
    ...itemOf(message.role, message.role === "user" ? "sent" : message.status, message.content),
    id: message.id,
    turnId: message.turn_id,
    clientId: message.client_message_id,
    sources: message.sources ?? [],
    rating: message.rating,
    mayRetry: true,
  };
}
