/** The harness: checks the widget on this page against the server it came from. */

import { Bench } from "./bench.js";
import * as checks from "./checks.js";
import { Journal } from "./journal.js";
import { Network } from "./network.js";
import { Verdict } from "./verdict.js";

/** @param {string} selector */
function find(selector) {
  const found = /** @type {HTMLElement | null} */ (document.querySelector(selector));
  if (!found) throw new Error(`The page has no ${selector}.`);
  return found;
}

/** @type {Record<string, (bench: Bench) => Promise<string>>} */
const CHECKS = {
  widget: checks.widgetLoaded,
  backend: checks.backendConnectivity,
  session: checks.sessionValid,
  streaming: checks.streamingWorks,
  resume: checks.resumeWorks,
  limit: checks.rateLimitWorks,
  analytics: checks.analyticsWorking,
  console: checks.consoleClean,
};

/** What a check needs to have been seen before; without it there is nothing to wait for. @type {Record<string, string[]>} */
const NEEDS = {
  backend: ["widget"],
  session: ["widget"],
  streaming: ["backend", "session"],
  resume: ["streaming"],
  limit: ["session"],
  analytics: ["session"],
};

const network = new Network();
network.install();
const journal = new Journal(find("[data-console]"));
journal.listen();
const bench = new Bench(find("chatkit-widget"), network, journal);
const verdict = new Verdict(find("[data-checks]"), find("#harness-result"), journal);

/** @param {string} name */
async function check(name) {
  const missing = (NEEDS[name] ?? []).filter((needed) => !verdict.isGreen(needed));
  if (missing.length) {
    verdict.set(name, { status: "red", message: `Not tried, because this failed: ${missing.join(", ")}.` });
    return;
  }
  const began = performance.now();
  verdict.set(name, { status: "running", message: "" });
  let outcome;
  try {
    outcome = { status: /** @type {const} */ ("green"), message: await CHECKS[name](bench) };
  } catch (error) {
    outcome = { status: /** @type {const} */ ("red"), message: error instanceof Error ? error.message : String(error) };
  }
  verdict.set(name, { ...outcome, milliseconds: Math.round(performance.now() - began) });
  journal.write(`${name}: ${outcome.message}`, outcome.status);
}

async function runAll() {
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  verdict.publish(false, []);
  for (const name of Object.keys(CHECKS)) await check(name);
  const sequence = checks.sequenceOf(bench);
  for (const step of sequence) journal.write(`expected ${step.event}`, step.seen ? "green" : "red");
  await checks.remember(bench).catch(checks.forget);
  const found = verdict.publish(true, sequence);
  journal.write(`The verdict is ${found}.`, found === "green" ? "green" : "red");
  for (const button of document.querySelectorAll("button")) button.disabled = false;
}

/** @type {Record<string, () => unknown>} */
const BUTTONS = {
  send: () => bench.ask(checks.QUESTION),
  save: () => bench.part(".chatkit-save-chat-btn")?.click(),
  personalize: () => bench.part(".chatkit-personalize-btn")?.click(),
  limit: () => check("limit"),
  logout: () => bench.part(".chatkit-logout-btn")?.click(),
  reload: () => location.reload(),
  widget: () => check("widget"),
  session: () => check("session"),
  analytics: () => check("analytics"),
  drop: () => journal.write(`${network.cut()} sockets cut.`),
  all: runAll,
};

for (const [name, press] of Object.entries(BUTTONS)) {
  find(`[data-press="${name}"]`).addEventListener("click", async () => {
    try {
      await press();
    } catch (error) {
      journal.write(`${name}: ${error instanceof Error ? error.message : error}`, "red");
    }
  });
}

document.addEventListener("chatkit.identity.change", checks.forget);
// Errors that come later turn a clean console red.
journal.addEventListener("error", () => verdict.isGreen("console") && check("console"));
runAll();
