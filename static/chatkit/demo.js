/** The demo page: copies the snippet, and shows how the server is. */

const copy = document.querySelector("[data-copy]");
const snippet = document.querySelector("[data-snippet]");
const announcement = document.querySelector("[data-announcement]");

copy?.addEventListener("click", async () => {
  await navigator.clipboard.writeText(snippet.textContent);
  announcement.textContent = "Copied";
});

/** @param {string} name @param {string} value */
function show(name, value) {
  const place = document.querySelector(`[data-fact="${name}"]`);
  if (place) place.textContent = value;
}

async function showHealth() {
  try {
    const health = await (await fetch("/health?check=all")).json();
    show("status", health.status);
    for (const [name, check] of Object.entries(health.checks)) show(name, check.message);
  } catch {
    show("status", "The server does not answer.");
  }
}

showHealth();
