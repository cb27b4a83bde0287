/** The demo page: questions to try, a snippet to copy, and how the server is. */

const PATIENCE = 2000;

/** @param {string} selector */
function find(selector) {
  return /** @type {HTMLElement | null} */ (document.querySelector(selector));
}

/** @param {HTMLElement} button */
async function copySnippet(button) {
  const text = find("[data-snippet]")?.textContent ?? "";
  const copied = await navigator.clipboard.writeText(text).then(() => true, () => false);
  if (!copied) getSelection()?.selectAllChildren(/** @type {Node} */ (find("[data-snippet]")));
  const said = copied ? "Copied" : "Press Ctrl+C";
  button.textContent = said;
  const announcement = find("[data-announcement]");
  if (announcement) announcement.textContent = said;
  setTimeout(() => { button.textContent = "Copy"; }, PATIENCE);
}

/** @param {string} text */
async function ask(text) {
  const widget = /** @type {any} */ (find("chatkit-widget"));
  await customElements.whenDefined("chatkit-widget");
  widget.scrollIntoView({ block: "nearest" });
  await widget.sendUserMessage({ text });
}

/** @param {string} status @param {string} sentence */
function show(status, sentence) {
  find("[data-dot]")?.setAttribute("data-dot", status);
  const place = find("[data-status]");
  if (place) place.textContent = sentence;
}

async function showHealth() {
  try {
    const health = await (await fetch("/health?check=all")).json();
    const checks = /** @type {{status: string, message: string}[]} */ (Object.values(health.checks));
    const poor = checks.find((check) => !["ok", "skipped"].includes(check.status));
    show(health.status, poor ? poor.message : `Everything answers · version ${health.version}`);
  } catch {
    show("unhealthy", "The server does not answer.");
  }
}

const copy = find("[data-copy]");
copy?.addEventListener("click", () => copySnippet(copy));
for (const button of document.querySelectorAll("[data-question]")) {
  button.addEventListener("click", () => ask(button.textContent ?? ""));
}
showHealth();
