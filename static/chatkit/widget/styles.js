/** The widget's looks, in one sheet that all widgets of a page share. Site owners set the `--chatkit-*` properties. */

const TEXT = `
:host {
  --accent: var(--chatkit-accent, light-dark(#2f5bea, #8ea8ff));
  --accent-text: var(--chatkit-accent-text, light-dark(#fff, #0c1020));
  --paper: var(--chatkit-background, light-dark(#fff, #14171f));
  --wash: var(--chatkit-surface, light-dark(#f3f4f8, #20242f));
  --ink: var(--chatkit-text, light-dark(#171a23, #eceef4));
  --quiet: var(--chatkit-muted, light-dark(#5a6072, #a6adbf));
  --line: var(--chatkit-border, light-dark(#e2e5ed, #313747));
  --danger: light-dark(#b3261e, #ffb4ab);
  --round: var(--chatkit-radius, 18px);
  --shade: 0 0 0 1px rgb(0 0 0 / 6%), 0 8px 24px rgb(0 0 0 / 12%), 0 24px 64px rgb(0 0 0 / 14%);
  color-scheme: light dark;
  display: block;
  block-size: var(--chatkit-height, 36rem);
  font: 400 15px/1.55 var(--chatkit-font, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  text-align: start;
}
:host([hidden]) { display: none; }
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([position^="bottom"]) { display: contents; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
.root { color: var(--ink); block-size: 100%; container-type: inline-size; font-size: max(1em, 15px); -webkit-text-size-adjust: 100%; }
.root.corner {
  position: fixed; z-index: var(--chatkit-z-index, 2147483000); block-size: auto; container-type: normal;
  inset: auto var(--chatkit-offset, 20px) var(--chatkit-offset, 20px) auto; letter-spacing: normal; text-transform: none; white-space: normal;
}
.root.left { inset: auto auto var(--chatkit-offset, 20px) var(--chatkit-offset, 20px); }

.panel {
  display: flex; flex-direction: column; block-size: 100%; min-block-size: 16rem; overflow: hidden; position: relative;
  background: var(--paper); border: 1px solid var(--line); border-radius: var(--round);
}
.corner .panel {
  position: absolute; inset-block-end: 0; right: 0; border: 0; box-shadow: var(--shade);
  inline-size: min(var(--chatkit-width, 25rem), calc(100vw - 2 * var(--chatkit-offset, 20px)));
  block-size: min(var(--chatkit-height, 42rem), calc(100dvh - 2 * var(--chatkit-offset, 20px)));
  animation: rise 0.22s cubic-bezier(0.2, 0.9, 0.3, 1);
}
.left .panel { right: auto; left: 0; }
@keyframes rise { from { opacity: 0; transform: translateY(12px) scale(0.98); } }

button, textarea, input { font: inherit; color: inherit; letter-spacing: inherit; }
button { cursor: pointer; border: 0; background: none; padding: 0; border-radius: 10px; }
button:disabled, button[aria-disabled="true"] { cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.icon { inline-size: 20px; block-size: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; flex: none; }
.icon-button { display: inline-grid; place-items: center; inline-size: 44px; block-size: 44px; color: var(--quiet); flex: none; }
.icon-button:hover { color: var(--ink); background: var(--wash); }
.text-button {
  display: inline-flex; align-items: center; gap: 6px; min-block-size: 44px; padding: 0 12px; font-weight: 600; font-size: 0.93em; color: var(--accent);
}
.text-button:hover { background: var(--wash); }
.solid { background: var(--accent); color: var(--accent-text); justify-content: center; padding: 0 18px; border-radius: 12px; }
.solid:hover { background: color-mix(in oklab, var(--accent), var(--ink) 14%); }
.quiet { color: var(--quiet); font-weight: 500; }

.launcher {
  display: grid; place-items: center; inline-size: 56px; block-size: 56px; border-radius: 50%; background: var(--accent); color: var(--accent-text);
  box-shadow: 0 4px 16px rgb(0 0 0 / 22%); transition: transform 0.15s;
}
.launcher .icon { inline-size: 26px; block-size: 26px; }
.launcher:hover { transform: scale(1.05); }
.launcher:focus-visible { outline-offset: 3px; }

.header { display: flex; align-items: center; gap: 2px; padding: 8px 8px 8px 18px; min-block-size: 60px; border-block-end: 1px solid var(--line); }
[dir="rtl"] .header { padding: 8px 18px 8px 8px; }
.heading-slot { flex: 1; min-inline-size: 0; }
.title { margin: 0; font-size: 1.05em; font-weight: 650; letter-spacing: -0.01em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.connection { margin: 0; font-size: 0.8em; color: var(--quiet); display: flex; align-items: center; gap: 6px; }
.connection::before { content: ""; inline-size: 7px; block-size: 7px; border-radius: 50%; background: #c77d10; }
.actions { display: flex; gap: 2px; padding: 2px 8px; border-block-end: 1px solid var(--line); overflow-x: auto; scrollbar-width: none; }
.actions .text-button {
  flex: 1 0 auto; flex-direction: column; justify-content: center; gap: 3px; padding: 6px 4px; min-block-size: 52px; min-inline-size: 56px;
  color: var(--quiet); font-weight: 500; font-size: 0.76em; line-height: 1.2; white-space: nowrap;
}
.actions .text-button:hover { color: var(--ink); }
.actions .icon { inline-size: 19px; block-size: 19px; }

.log { position: relative; flex: 1; min-block-size: 0; display: flex; flex-direction: column; }
.scroller { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px; scrollbar-width: thin; scrollbar-color: var(--line) transparent; }
.scroller:focus-visible { outline-offset: -3px; border-radius: 6px; }
.greeting { margin: 0 0 16px; font-size: 1.1em; color: var(--quiet); text-wrap: pretty; }
.earlier { display: flex; margin: 0 auto 8px; }
.latest { position: absolute; inset-block-end: 10px; inset-inline: 0; margin-inline: auto; border-radius: 50%; background: var(--paper); box-shadow: 0 1px 8px rgb(0 0 0 / 20%); color: var(--ink); }
.chatkit-messages { display: flex; flex-direction: column; gap: 6px; }
.message { max-inline-size: 100%; overflow-wrap: anywhere; }
.message.is-new { animation: appear 0.2s ease-out; }
@keyframes appear { from { opacity: 0; transform: translateY(6px); } }
.user { display: flex; flex-direction: column; align-items: flex-end; padding-block-start: 10px; }
.user .body { max-inline-size: min(86%, 38rem); }
.bubble { margin: 0; padding: 9px 15px; border-radius: 18px 18px 5px 18px; background: var(--accent); color: var(--accent-text); white-space: pre-wrap; }
[dir="rtl"] .bubble { border-radius: 18px 18px 18px 5px; }
.user[data-status="queued"] .bubble, .user[data-status="waiting"] .bubble { background: var(--wash); color: var(--ink); outline: 1px dashed var(--quiet); outline-offset: -1px; }
.asked-about { margin: 0 0 4px; padding: 2px 12px; max-inline-size: 86%; border-inline-start: 3px solid var(--line); color: var(--quiet); font-size: 0.88em; }
.note { margin: 4px 0 0; font-size: 0.86em; color: var(--quiet); }
.message[data-status="failed"] .note { color: var(--danger); }
.tools { display: flex; margin-inline-start: -12px; min-block-size: 44px; opacity: 0; transition: opacity 0.12s; }
.user .tools { margin: 0 -12px -10px; min-block-size: 0; margin-block-start: -6px; }
.tools .icon { inline-size: 17px; block-size: 17px; }
.tools .icon-button[aria-pressed="true"] { color: var(--accent); }
.tools .icon-button[aria-pressed="true"] .icon { fill: color-mix(in srgb, currentColor 25%, transparent); }
.message:hover .tools, .message:focus-within .tools, .assistant:last-child .tools, .message[data-status="failed"] .tools { opacity: 1; }
@media (hover: none) { .tools { opacity: 1; } }

.body > *, .body blockquote > * { margin: 0 0 0.7em; }
.body > :last-child, .body blockquote > :last-child { margin-block-end: 0; }
.body .heading { font-weight: 650; margin-block: 1em 0.4em; letter-spacing: -0.005em; }
.body .heading:first-child { margin-block-start: 0; }
.body ul, .body ol { padding-inline-start: 1.35em; }
.body li { margin-block: 0.25em; }
.body li > ul, .body li > ol { margin-block: 0.25em; }
.body a, .sources a { color: var(--accent); text-underline-offset: 2px; }
.body code { font: 0.88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--wash); border-radius: 5px; padding: 0.1em 0.35em; }
.code { border: 1px solid var(--line); border-radius: 12px; overflow: hidden; background: var(--wash); text-align: left; }
.code figcaption { display: flex; justify-content: space-between; align-items: center; padding-inline-start: 14px; font-size: 0.8em; color: var(--quiet); block-size: 44px; margin-block-end: -8px; }
.code .icon { inline-size: 16px; block-size: 16px; }
.code pre { margin: 0; padding: 4px 14px 14px; overflow-x: auto; scrollbar-width: thin; }
.code pre:focus-visible, .table:focus-visible { outline-offset: -3px; border-radius: 12px; }
.code code { background: none; padding: 0; overflow-wrap: normal; white-space: pre; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: 12px; scrollbar-width: thin; }
table { border-collapse: collapse; inline-size: 100%; font-size: 0.92em; overflow-wrap: normal; }
th, td { padding: 8px 12px; text-align: start; vertical-align: top; border-block-start: 1px solid var(--line); }
th { border-block-start: 0; background: var(--wash); font-weight: 600; white-space: nowrap; }
blockquote { margin-inline: 0; padding-inline-start: 12px; border-inline-start: 3px solid var(--line); color: var(--quiet); }
hr { border: 0; border-block-start: 1px solid var(--line); }
.citation {
  display: inline-block; min-inline-size: 18px; padding: 0 4px; margin-inline: 2px; border-radius: 6px; background: var(--wash); color: var(--accent);
  font-size: 0.74em; line-height: 18px; font-weight: 600; text-align: center; text-decoration: none; vertical-align: 0.15em; font-variant-numeric: tabular-nums;
}
.citation:hover { background: var(--accent); color: var(--accent-text); }
.sources { list-style: none; counter-reset: source; margin: 10px 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 6px; font-size: 0.84em; }
.sources li { counter-increment: source; max-inline-size: 100%; }
.sources li > * {
  display: flex; align-items: center; gap: 7px; min-block-size: 30px; padding: 3px 10px 3px 5px; border: 1px solid var(--line); border-radius: 9px;
  color: var(--ink); text-decoration: none; line-height: 1.3;
}
.sources li > ::before {
  content: counter(source); flex: none; min-inline-size: 18px; padding: 0 4px; border-radius: 5px; background: var(--wash); color: var(--quiet);
  font-size: 0.85em; font-weight: 600; text-align: center; line-height: 18px;
}
.sources a:hover { border-color: var(--accent); }
.thinking { display: flex; gap: 5px; padding-block: 8px; }
.thinking span { inline-size: 7px; block-size: 7px; border-radius: 50%; background: var(--quiet); animation: wait 1.2s infinite ease-in-out; }
.thinking span:nth-child(2) { animation-delay: 0.15s; }
.thinking span:nth-child(3) { animation-delay: 0.3s; }
@keyframes wait { 0%, 60%, 100% { opacity: 0.3; transform: none; } 30% { opacity: 1; transform: translateY(-3px); } }

.notices { display: grid; gap: 8px; padding: 0 12px; }
.notices:not(:empty) { padding-block: 8px 2px; }
.notice { display: flex; align-items: center; flex-wrap: wrap; gap: 0 8px; padding: 4px 6px 4px 14px; background: var(--wash); border-radius: 14px; font-size: 0.92em; animation: appear 0.2s ease-out; }
[dir="rtl"] .notice { padding: 4px 14px 4px 6px; }
.notice > p { margin: 8px 0; flex: 1 1 10rem; text-wrap: pretty; }
.notice .buttons { display: flex; flex-wrap: wrap; }
.notice.quoted > p { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; border-inline-start: 3px solid var(--accent); padding-inline-start: 10px; color: var(--quiet); }
.notice.bad { color: var(--danger); }

.composer {
  display: flex; align-items: flex-end; gap: 6px; margin: 8px 12px 12px; padding: 4px; border: 1px solid var(--line); border-radius: 16px; background: var(--paper);
}
.composer:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.chatkit-input { flex: 1; min-inline-size: 0; resize: none; border: 0; background: none; padding: 10px 4px 10px 12px; outline: 0; line-height: 24px; min-block-size: 44px; font-size: max(1em, 16px); scrollbar-width: thin; }
[dir="rtl"] .chatkit-input { padding: 10px 12px 10px 4px; }
.chatkit-input::placeholder { color: var(--quiet); opacity: 1; }
.chatkit-send-btn, .chatkit-stop-btn { border-radius: 12px; background: var(--accent); color: var(--accent-text); }
.chatkit-send-btn:hover, .chatkit-stop-btn:hover { background: color-mix(in oklab, var(--accent), var(--ink) 14%); color: var(--accent-text); }
.chatkit-send-btn[aria-disabled="true"] { background: var(--wash); color: var(--quiet); }
.chatkit-stop-btn .icon { fill: currentColor; }
.footer { padding: 0 18px 12px; font-size: 0.8em; color: var(--quiet); text-align: center; }
.footer:not(.is-filled) { display: none; }
.visually-hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.refusal { margin: 0; padding: 16px 18px; background: var(--paper); border: 1px solid var(--line); border-radius: var(--round); max-inline-size: 22rem; }

dialog {
  margin: auto; padding: 0; border: 0; border-radius: 20px; background: var(--paper); color: var(--ink); box-shadow: var(--shade);
  inline-size: min(27rem, calc(100vw - 24px)); max-block-size: min(40rem, calc(100dvh - 24px)); overflow: auto; font-size: max(1em, 15px);
}
dialog[open] { animation: rise 0.2s cubic-bezier(0.2, 0.9, 0.3, 1); }
dialog::backdrop { background: rgb(10 12 20 / 45%); }
.chatkit-modal { padding: 22px; display: grid; gap: 14px; }
.chatkit-modal h2 { margin: 0; font-size: 1.2em; letter-spacing: -0.01em; line-height: 1.3; padding-inline-end: 40px; }
.chatkit-modal > .close { position: absolute; inset: 12px 12px auto auto; }
[dir="rtl"] .chatkit-modal > .close { inset: 12px auto auto 12px; }
.chatkit-modal p { margin: 0; color: var(--quiet); text-wrap: pretty; }
.chatkit-modal form { display: grid; gap: 14px; }
.field { display: grid; gap: 6px; font-weight: 600; font-size: 0.93em; }
.field input, .field textarea { inline-size: 100%; min-block-size: 44px; padding: 8px 12px; border: 1px solid light-dark(#8a90a2, #6b7387); border-radius: 12px; background: var(--paper); font-weight: 400; font-size: max(1em, 16px); }
.choice { display: flex; gap: 10px; align-items: flex-start; font-size: 0.93em; padding-block: 10px; line-height: 24px; }
.choice input { inline-size: 24px; block-size: 24px; margin: 0; flex: none; accent-color: var(--accent); }
.content { display: grid; gap: 14px; }
.content h3 { margin: 0; font-size: 1em; }
.comment { display: grid; gap: 4px; padding-block: 4px 8px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; }
.number { font-size: 1.4em; color: var(--ink); font-variant-numeric: tabular-nums; vertical-align: -0.08em; }
.chatkit-modal .error { color: var(--danger); }
.error:empty { display: none; }
.picks { list-style: none; margin: 0; padding: 0; display: grid; gap: 4px; }
.picks > li { display: flex; align-items: center; gap: 4px; }
.picks .pick { flex: 1; min-inline-size: 0; display: grid; gap: 2px; text-align: start; padding: 8px 12px; min-block-size: 44px; align-content: center; border-radius: 12px; color: var(--ink); text-decoration: none; }
.picks .pick:hover { background: var(--wash); }
.picks .pick[aria-current="true"] { background: var(--wash); }
.picks .pick strong { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-weight: 600; }
.picks .pick span { color: var(--quiet); font-size: 0.86em; }
.ask-about {
  position: fixed; z-index: 2147483001; display: inline-flex; align-items: center; gap: 6px; min-block-size: 44px; padding: 0 16px; border-radius: 22px;
  background: var(--accent); color: var(--accent-text); font-weight: 600; box-shadow: 0 4px 16px rgb(0 0 0 / 25%);
}
@container (min-width: 36rem) {
  .actions .text-button { flex: none; flex-direction: row; gap: 6px; min-block-size: 44px; padding: 0 10px; font-size: 0.88em; }
}
@media (max-width: 480px) {
  .root.corner { --chatkit-offset: 12px; }
  .corner .panel { position: fixed; inset: 0; inline-size: 100%; block-size: 100dvh; border-radius: 0; }
}
@media (prefers-reduced-motion: reduce) { *, ::backdrop { animation-duration: 0.01ms !important; animation-iteration-count: 1 !important; transition: none !important; } }
@media (forced-colors: active) {
  .panel, .bubble, .launcher, dialog, .notice, .chatkit-send-btn, .chatkit-stop-btn, .solid, .latest, .ask-about { border: 1px solid; }
  .chatkit-input:focus-visible { outline: 2px solid Highlight; }
  .icon-button[aria-pressed="true"] { outline: 2px solid; outline-offset: -6px; }
  .thinking span, .connection::before { background: CanvasText; }
}
`;

/** @type {CSSStyleSheet | undefined} */
let sheet;

/** Made by script and not written into the page, so that no policy stands against it. */
export function sharedSheet() {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(TEXT);
  }
  return sheet;
}
