import assert from "node:assert/strict";
import test from "node:test";

import { make } from "../../static/chatkit/widget/dom.js";
import { blocksOf, nodeOf, safeAddress } from "../../static/chatkit/widget/markdown.js";
import { passageAddress } from "../../static/chatkit/widget/message.js";

/** As much of a document as nodes need. */
class Element {
  constructor(tag) {
    this.tag = tag;
    this.attributes = {};
    this.children = [];
  }

  setAttribute(name, value) {
    this.attributes[name] = value;
  }

  append(...children) {
    this.children.push(...children);
  }

  get outline() {
    const inner = this.children.map((child) => (typeof child === "string" ? child : child.outline)).join("");
    const href = this.attributes.href ? ` ${this.attributes.href}` : "";
    return `<${this.tag}${href}>${inner}</${this.tag}>`;
  }
}
globalThis.document = { createElement: (tag) => new Element(tag), createElementNS: (_, tag) => new Element(tag) };

const setting = { say: (key) => key, cite: (number) => (number <= 2 ? make("a", { href: `#${number}` }, String(number)) : null) };
const drawn = (text) => blocksOf(text).map((block) => nodeOf(block, setting).outline).join("");

const CASES = {
  "paragraphs": ["One\nline.\n\nTwo.", "<p>One\nline.</p><p>Two.</p>"],
  "emphasis": ["*a* **b** ***c*** ~~d~~", "<p><em>a</em> <strong>b</strong> <strong><em>c</em></strong> <del>d</del></p>"],
  "names with underscores stay": ["RATE_LIMITS__SAVE_CHAT and my_file_name", "<p>RATE_LIMITS__SAVE_CHAT and my_file_name</p>"],
  "stars that multiply stay": ["2 * 3 * 4", "<p>2 * 3 * 4</p>"],
  "code": ["`a *b*` and ``c ` d``", "<p><code>a *b*</code> and <code>c ` d</code></p>"],
  "links": ["[a](https://x.example/y_(z)) <https://x.example>", "<p><a https://x.example/y_(z)>a</a> <a https://x.example/>https://x.example</a></p>"],
  "bare addresses end before punctuation": ["See https://x.example/a.", "<p>See <a https://x.example/a>https://x.example/a</a>.</p>"],
  "other schemes are text": ["[a](javascript:alert(1)) [b](data:text/html,x)", "<p><span>a</span> <span>b</span></p>"],
  "markup is text": ["<img src=x onerror=alert(1)> <b>", "<p><img src=x onerror=alert(1)> <b></p>"],
  "images are no images": ["![a](https://x.example/i.png)", "<p>!<a https://x.example/i.png>a</a></p>"],
  "citations": ["Yes. [1] [9]", "<p>Yes. <a #1>1</a> [9]</p>"],
  "lists": ["- a\n- b\n  - c\n\n1. d\n2. e", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><ol><li>d</li><li>e</li></ol>"],
  "quotes": ["> a\n> b", "<blockquote><p>a\nb</p></blockquote>"],
  "escapes": ["\\*a\\*", "<p>*a*</p>"],
};
for (const [name, [text, outline]] of Object.entries(CASES)) {
  test(name, () => assert.equal(drawn(text), outline));
}

test("tables keep their columns", () => {
  const outline = drawn("| a | b |\n|---|---|\n| `x\\|y` | 2 |\n| 3 |");
  assert.match(outline, /<thead><tr><th>a<\/th><th>b<\/th><\/tr><\/thead>/);
  assert.match(outline, /<td><code>x\|y<\/code><\/td><td>2<\/td>/);
  assert.match(outline, /<td>3<\/td><td><\/td>/);
});

test("a fence that is still open is code already, and one that ends in text is not", () => {
  assert.match(drawn("```sh\nmake run\n# not a heading"), /<code>make run\n# not a heading<\/code>/);
  assert.match(drawn("```\na\n```\nafter"), /<code>a<\/code>.*<p>after<\/p>/);
});

test("a block that did not change has the same source while text grows", () => {
  const before = blocksOf("One.\n\n```\na").map((block) => block.source);
  const after = blocksOf("One.\n\n```\na\nb\n```\n\nTwo").map((block) => block.source);
  assert.equal(before[0], after[0]);
  assert.notEqual(before[1], after[1]);
});

test("hostile text takes no longer than its length", () => {
  const started = performance.now();
  for (const piece of ["*", "_", "[", "(", "`", "> ", "**a", "[a](", "- ", "| "]) drawn(piece.repeat(4000));
  assert.ok(performance.now() - started < 3000, `${performance.now() - started} ms`);
});

test("only addresses that lead somewhere harmless are links", () => {
  assert.equal(safeAddress("mailto:a@example.com"), "mailto:a@example.com");
  for (const address of ["javascript:alert(1)", "JaVaScRiPt:x", "vbscript:x", "file:///etc/passwd", "/relative", "//x"]) {
    assert.equal(safeAddress(address), null, address);
  }
});

test("a source opens at its passage", () => {
  const source = { id: "1", title: "", url: "https://x.example/page", excerpt: "Well-known words, that go on for more than eight of them…" };
  assert.equal(passageAddress(source), "https://x.example/page#:~:text=Well%2Dknown%20words%2C%20that%20go%20on%20for%20more%20than");
  assert.equal(passageAddress({ ...source, url: "https://x.example/page#part", excerpt: "" }), "https://x.example/page#part");
  assert.equal(passageAddress({ ...source, url: "javascript:alert(1)" }), null);
});
