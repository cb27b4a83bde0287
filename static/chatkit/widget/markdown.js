/** A subset of Markdown as nodes: what an answer may hold, and nothing that could act on its own. */

import { iconButton, make } from "./dom.js";

const FENCE = /^ {0,3}(```+|~~~+)\s*([\w+#.-]*)/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const INLINE = /(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)|\[([^\[\]]*)\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"]*")?\s*\)|\[(\d{1,2})\]|<?(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])>?|(\*\*|__)(?=\S)([\s\S]*?\S)\7(?![\w*])|(?<![\w*])([*_])(?=\S)((?:[^*_]|\*\*[^*]*\*\*)*?\S)\9(?![\w*])|~~(?=\S)([\s\S]*?\S)~~|\\([!-/:-@[-`{-~])|( {2,}|\\)\n/g;
const DEEPEST = 6;

/** Text cut into blocks; equal sources make equal nodes, so that only what changed is drawn again. @param {string} text */
export function blocksOf(text) {
  const lines = text.replaceAll("\r", "").split("\n");
  /** @type {Block[]} */
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const kind = kindAt(lines, at);
    const end = endOf(kind, lines, at);
    blocks.push({ kind, source: `${kind}\n${lines.slice(at, end).join("\n")}`, lines: lines.slice(at, end) });
    at = end;
  }
  return blocks;
}

/** @param {string[]} lines @param {number} at */
function kindAt(lines, at) {
  const line = lines[at];
  if (FENCE.test(line)) return "code";
  if (HEADING.test(line)) return "heading";
  if (RULE.test(line)) return "rule";
  if (/^ {0,3}>/.test(line)) return "quote";
  if (ITEM.test(line)) return "list";
  if (line.includes("|") && DIVIDER.test(lines[at + 1] ?? "") && lines[at + 1].includes("-")) return "table";
  return "paragraph";
}

/** @param {string} kind @param {string[]} lines @param {number} at */
function endOf(kind, lines, at) {
  let end = at + 1;
  if (kind === "heading" || kind === "rule") return end;
  if (kind === "code") {
    const fence = /** @type {RegExpExecArray} */ (FENCE.exec(lines[at]))[1];
    while (end < lines.length && !lines[end].trim().startsWith(fence)) end += 1;
    return Math.min(end + 1, lines.length);
  }
  while (end < lines.length && goesOn(kind, lines, end) && !(kind === "list" && isOtherList(lines[at], lines[end]))) end += 1;
  return end;
}

/** Whether numbers begin where there were dots, or dots where there were numbers. @param {string} first @param {string} line */
function isOtherList(first, line) {
  const [before, after] = [ITEM.exec(first), ITEM.exec(line)];
  return Boolean(before && after && after[1].length <= before[1].length && /\d/.test(before[2]) !== /\d/.test(after[2]));
}

/** @param {string} kind @param {string[]} lines @param {number} at */
function goesOn(kind, lines, at) {
  const line = lines[at];
  if (kind === "list") return Boolean(line.trim()) ? ITEM.test(line) || /^\s{2,}/.test(line) : /^(\s{2,}\S|\s*([-*+]|\d+[.)])\s)/.test(lines[at + 1] ?? "");
  if (!line.trim()) return false;
  if (kind === "table") return line.includes("|");
  const next = kindAt(lines, at);
  return kind === "quote" ? next === "quote" || next === "paragraph" : next === "paragraph";
}

/** @param {Block} block @param {Setting} setting @param {number} [depth] @returns {HTMLElement} */
export function nodeOf({ kind, lines }, setting, depth = 0) {
  if (kind === "code") return codeBlock(lines, setting);
  if (kind === "rule") return make("hr");
  if (kind === "table") return table(lines, setting);
  if (kind === "list") return list(lines, setting, depth);
  if (kind === "quote") return quote(lines, setting, depth);
  if (kind === "heading") {
    const text = /** @type {RegExpExecArray} */ (HEADING.exec(lines[0]))[2];
    return filled(make("p", { class: "heading", role: "heading", "aria-level": "4" }), text, setting);
  }
  return filled(make("p", { dir: "auto" }), lines.map((line) => line.trimStart()).join("\n"), setting);
}

/** @param {string[]} lines @param {Setting} setting */
function codeBlock(lines, setting) {
  const [, fence, language] = /** @type {RegExpExecArray} */ (FENCE.exec(lines[0]));
  const isClosed = lines.length > 1 && lines[lines.length - 1].trim().startsWith(fence);
  const code = lines.slice(1, isClosed ? -1 : undefined).join("\n");
  const copy = iconButton("copy", setting.say("copy"), { class: "copy-code", "data-copy": true });
  const name = make("span", { class: "language" }, language || "");
  return make("figure", { class: "code", part: "code", dir: "ltr" }, make("figcaption", {}, name, copy), make("pre", { tabindex: "0" }, make("code", {}, code)));
}

/** @param {string[]} lines @param {Setting} setting */
function table(lines, setting) {
  const [head, , ...rows] = lines.map(cellsOf);
  const row = (/** @type {string[]} */ cells, /** @type {"th" | "td"} */ tag) =>
    make("tr", {}, ...head.map((_, column) => filled(make(tag, tag === "th" ? { scope: "col", dir: "auto" } : { dir: "auto" }), cells[column] ?? "", setting)));
  const body = make("tbody", {}, ...rows.map((cells) => row(cells, "td")));
  return make("div", { class: "table", tabindex: "0" }, make("table", {}, make("thead", {}, row(head, "th")), body));
}

/** @param {string} line */
function cellsOf(line) {
  return line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** @param {string[]} lines @param {Setting} setting @param {number} depth */
function list(lines, setting, depth) {
  const [, indent, marker] = /** @type {RegExpExecArray} */ (ITEM.exec(lines[0]));
  const isOrdered = /\d/.test(marker);
  const element = make(isOrdered ? "ol" : "ul", isOrdered && Number.parseInt(marker, 10) !== 1 ? { start: String(Number.parseInt(marker, 10)) } : {});
  for (const item of itemsOf(lines, indent.length)) element.append(listItem(item, setting, depth));
  return element;
}

/** Lines of each item, the first without its marker, the others without the indent. @param {string[]} lines @param {number} indent */
function itemsOf(lines, indent) {
  /** @type {string[][]} */
  const items = [];
  for (const line of lines) {
    const match = ITEM.exec(line);
    if (match && match[1].length <= indent + 1) items.push([match[3]]);
    else items.at(-1)?.push(line.replace(/^\s{1,4}/, ""));
  }
  return items;
}

/** @param {string[]} lines @param {Setting} setting @param {number} depth */
function listItem(lines, setting, depth) {
  const element = make("li", { dir: "auto" });
  for (const [index, block] of (depth < DEEPEST ? blocksOf(lines.join("\n")) : []).entries()) {
    if (index === 0 && block.kind === "paragraph") filled(element, block.lines.join("\n"), setting);
    else element.append(nodeOf(block, setting, depth + 1));
  }
  return element;
}

/** @param {string[]} lines @param {Setting} setting @param {number} depth */
function quote(lines, setting, depth) {
  const inner = lines.map((line) => line.replace(/^ {0,3}> ?/, "")).join("\n");
  const blocks = depth < DEEPEST ? blocksOf(inner) : [];
  return make("blockquote", { dir: "auto" }, ...blocks.map((block) => nodeOf(block, setting, depth + 1)));
}

/** @template {HTMLElement} T @param {T} element @param {string} text @param {Setting} setting @returns {T} */
function filled(element, text, setting) {
  element.append(...inline(text, setting, 0));
  return element;
}

/** @param {string} text @param {Setting} setting @param {number} depth @returns {(Node | string)[]} */
function inline(text, setting, depth) {
  if (depth > DEEPEST) return [text];
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const node = inlineNode(match, setting, depth);
    if (node === null) continue;
    if (match.index > from) nodes.push(text.slice(from, match.index));
    nodes.push(node);
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

/** @param {RegExpMatchArray} match @param {Setting} setting @param {number} depth @returns {Node | string | null} */
function inlineNode(match, setting, depth) {
  const [, , code, label, target, number, address, , strong, , emphasis, struck, escaped, hardBreak] = match;
  const within = (/** @type {string} */ text) => inline(text, setting, depth + 1);
  if (code !== undefined) return make("code", {}, code.replaceAll("\n", " ").trim() || code);
  if (target !== undefined) return link(target, within(label));
  if (number !== undefined) return setting.cite(Number(number));
  if (address !== undefined) return link(address, [address]);
  if (strong !== undefined) return make("strong", {}, ...within(strong));
  if (emphasis !== undefined) return make("em", {}, ...within(emphasis));
  if (struck !== undefined) return make("del", {}, ...within(struck));
  if (hardBreak !== undefined) return make("br");
  return escaped ?? null;
}

/** @param {string} target @param {(Node | string)[]} label */
function link(target, label) {
  const href = safeAddress(target);
  return href ? make("a", { href, ...AWAY }, ...label) : make("span", {}, ...label);
}

export const AWAY = { target: "_blank", rel: "noopener nofollow" };

/** Addresses that a click may lead to, else null. @param {string} target */
export function safeAddress(target) {
  try {
    const url = new URL(target);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}
