/** What is checked, each against the real server. A check returns what it saw, or throws what is wrong. */

import { assert } from "./bench.js";

/** @typedef {import("./bench.js").Bench} Bench */
/** @typedef {import("./network.js").Frame} Frame */

export const QUESTION = "How do I set a rate limit?";
export const SEQUENCE = ["widget_loaded", "session_created", "chat_message", "rate_limit_triggered"];
const CUTS = ["agent.sources", "agent.token"];
const SAVES = 10;
const MOST_IDS = 100;
const PARTS = [".chatkit-input", ".chatkit-send-btn", ".chatkit-messages"];
const BEFORE = "chatkit.harness.before";

/** Who it was when this tab last showed the page. */
let before = sessionStorage.getItem(BEFORE);

/** @param {Bench} bench */
export async function widgetLoaded(bench) {
  await bench.until(() => customElements.get("chatkit-widget"), "the element is defined");
  await bench.until(() => bench.journal.events.includes("widget_loaded"), "the widget logs widget_loaded");
  const missing = PARTS.filter((part) => !bench.part(part));
  assert(!missing.length, `The widget has no ${missing.join(", ")}.`);
  return "It is defined, drawn, and says that it loaded.";
}

/** @param {Bench} bench */
export async function backendConnectivity(bench) {
  const health = await (await fetch("/health")).json();
  assert(health.status === "ok", `The server says that it is ${health.status}.`);
  await bench.until(() => bench.network.frames.some((frame) => frame.type === "session.ready"), "a socket is ready");
  return `Version ${health.version} answers, and a socket is open.`;
}

/** Where this page was reloaded, it must still be who it was. @param {Bench} bench */
export async function sessionValid(bench) {
  await bench.until(() => bench.network.credential, "the widget has a credential");
  const session = await bench.api("/auth/session-check");
  assert(session.status === 200 && session.body.valid, `The session check answers ${session.status}.`);
  const expected = before;
  before = null;
  if (!expected) return `${session.body.user.tier}, until ${session.body.expires_at}.`;
  assert(expected === await who(bench), "After the reload it is somebody else's session.");
  return "The same as before the reload.";
}

/** For the next time this page is loaded. @param {Bench} bench */
export async function remember(bench) {
  sessionStorage.setItem(BEFORE, await who(bench));
}

export function forget() {
  sessionStorage.removeItem(BEFORE);
}

/** @param {Bench} bench @returns {Promise<string>} */
async function who(bench) {
  const { body } = await bench.api("/auth/me");
  return body.user_id ?? body.anon_id ?? "";
}

/** @param {Bench} bench */
export async function streamingWorks(bench) {
  const from = bench.network.frames.length;
  const started = bench.next(bench.widget, "chatkit.response.start");
  started.catch(() => undefined);
  await bench.ask(QUESTION);
  await started;
  const frames = answerFrames(bench.network.frames.slice(from));
  const kinds = frames.map((frame) => frame.event_type);
  const tokens = kinds.filter((kind) => kind === "agent.token").length;
  assert(tokens, "No piece of the answer came before its end.");
  assert(kinds.at(-1) === "agent.completed", `The answer ended with ${kinds.at(-1)}.`);
  await drawn(bench);
  return `${kinds.length} events, ${tokens} with text.`;
}

/**
 * The line is cut before the first word of an answer, and again in the middle of it; afterwards the page shows what the
 * server keeps. @param {Bench} bench
 */
export async function resumeWorks(bench) {
  const { network } = bench;
  const [from, sockets] = [network.frames.length, network.sockets];
  network.cutAt(CUTS);
  await bench.ask(QUESTION);
  assert(network.sockets === sockets + CUTS.length, `The widget opened ${network.sockets - sockets} sockets.`);
  const numbers = answerFrames(network.frames.slice(from)).map((frame) => frame.seq ?? -1);
  assert(numbers.every((seq, index) => seq === index), `Events arrived as ${numbers.join(", ")}.`);
  const streamed = await drawn(bench);
  assert(streamed === await keptAnswer(bench), "What the widget shows is not what the server keeps.");
  return `Cut ${CUTS.length} times; ${numbers.length} events arrived, none twice.`;
}

/** Ten saves at once, and then the widget's own button. @param {Bench} bench */
export async function rateLimitWorks(bench) {
  await signIn(bench);
  await bench.ask(QUESTION);
  const answers = await Promise.all(Array.from({ length: SAVES }, () => bench.api("/chat/save", transcript())));
  const saved = answers.filter((answer) => answer.status === 200 || answer.status === 201);
  const refused = answers.filter((answer) => answer.status === 429);
  await Promise.all(saved.map((answer) => bench.remove(`/chat/saved/${answer.body.chat_id}`)));
  assert(saved.length + refused.length === SAVES, `Some were answered ${answers.map((answer) => answer.status).join(", ")}.`);
  assert(refused.length, `${SAVES} saves passed; set RATE_LIMITS__SAVE_CHAT below that.`);
  const { limit, retry_after: wait } = refused[0].body.detail ?? {};
  assert(Number.isInteger(wait) && wait > 0, "The refusal does not say when to come back.");
  assert(refused[0].headers.get("Retry-After") === String(wait), "Retry-After says something else than the body.");
  assert(saved.length <= limit, `${saved.length} saves passed a limit of ${limit}.`);
  await limitShown(bench);
  return `${saved.length} of ${SAVES} passed a limit of ${limit}; again in ${wait} s.`;
}

/** @param {Bench} bench */
export async function analyticsWorking(bench) {
  const wanted = SEQUENCE.filter((event) => bench.journal.events.includes(event));
  const counts = await bench.until(async () => {
    const found = await recorded(bench);
    return wanted.every((event) => found[event]) && found;
  }, `rows for ${wanted.join(", ")}`);
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return `${rows} rows in the database, ${Object.keys(counts).length} kinds.`;
}

/** @param {Bench} bench */
export async function consoleClean(bench) {
  const { errors } = bench.journal;
  assert(!errors.length, `${errors.length} errors; the first: ${errors[0]}`);
  return "No error, no violation of the policy.";
}

/** Which of the events that the server acknowledged are in its database. @param {Bench} bench @returns {Promise<Record<string, number>>} */
async function recorded(bench) {
  const reports = bench.network.calls.filter((call) => /\/analytics\/events?$/.test(call.url) && call.status === 200);
  const ids = reports.flatMap((call) => call.body.events ?? [call.body]).map((event) => event.event_id);
  const response = await fetch(`/harness/events?ids=${ids.slice(-MOST_IDS)}`);
  assert(response.ok, `The events cannot be read: ${response.status}.`);
  return (await response.json()).events;
}

/** Which of the expected log events came, in their order. Who was known before is not created. @param {Bench} bench */
export function sequenceOf(bench) {
  const isNew = bench.network.calls.some((call) => call.url.endsWith("/auth/visitor") && call.status === 200);
  let from = 0;
  return SEQUENCE.filter((event) => isNew || event !== "session_created").map((event) => {
    const at = bench.journal.events.indexOf(event, from);
    if (at >= 0) from = at + 1;
    return { event, seen: at >= 0 };
  });
}

/** Saving needs a person: the fixture's in test mode, else whoever is signed in to the admin. @param {Bench} bench */
async function signIn(bench) {
  const { body: me } = await bench.api("/auth/me");
  if (me.user_id) return;
  const guard = /** @type {HTMLInputElement} */ (document.querySelector("[name=csrfmiddlewaretoken]")).value;
  const response = await fetch("/harness/session", { method: "POST", headers: { "X-CSRFToken": guard } });
  assert(response.ok, `There is no session for the harness: ${response.status}.`);
  const { session_token: token } = await response.json();
  await bench.widget.identify(token);
  await bench.until(() => bench.network.credential === token, "the widget uses the session");
}

/** The widget's own button meets the same limit, and says so in its log. @param {Bench} bench */
async function limitShown(bench) {
  const limited = bench.next(bench.widget, "chatkit.limit");
  bench.part(".chatkit-save-chat-btn")?.click();
  await limited;
}

function transcript() {
  return { title: "Harness", messages: [{ role: "user", content: QUESTION }] };
}

/** Events of the last turn among the frames. @param {Frame[]} frames */
function answerFrames(frames) {
  const events = frames.filter((frame) => frame.type === "runtime_event");
  const turn = events.at(-1)?.turn_id;
  return events.filter((event) => event.turn_id === turn);
}

/** The last answer as it stands in the page, once it changes no more. @param {Bench} bench @returns {Promise<string>} */
function drawn(bench) {
  let before = "";
  return bench.until(() => {
    const text = bench.part(".chatkit-messages")?.lastElementChild?.textContent?.trim() ?? "";
    const isSettled = text && text === before;
    before = text;
    return isSettled && text;
  }, "the widget shows an answer");
}

/** The same answer, drawn anew from what the server keeps. @param {Bench} bench */
async function keptAnswer(bench) {
  const { body } = await bench.api("/conversations");
  await bench.widget.setConversation(null);
  await bench.widget.setConversation(body.results[0].id);
  return drawn(bench);
}
