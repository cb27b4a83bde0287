import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";

import { stringsFor, Strings } from "../../static/chatkit/widget/strings.js";

const FOLDER = new URL("../../static/chatkit/widget/strings/", import.meta.url);
const tables = {};
for (const name of ["en", "de", "fr", "es", "ar"]) tables[name] = (await import(new URL(`${name}.js`, FOLDER)))[name];

/** @param {string | object} entry */
function placeholders(entry) {
  const texts = typeof entry === "string" ? [entry] : [entry.other];
  return [...new Set(texts.join().match(/\{\w+\}/g) ?? [])].sort();
}

for (const [name, table] of Object.entries(tables)) {
  test(`${name} says everything, with every value and every plural form`, () => {
    assert.deepEqual(Object.keys(table), Object.keys(tables.en));
    const forms = new Intl.PluralRules(name).resolvedOptions().pluralCategories;
    for (const [key, entry] of Object.entries(table)) {
      assert.deepEqual(placeholders(entry), placeholders(tables.en[key]), key);
      if (typeof entry === "string") assert.ok(entry.trim(), key);
      else for (const form of forms) assert.ok(entry[form] ?? entry.other, `${key}.${form}`);
    }
  });
}

test("every word is used, and every used word is there", async () => {
  const folder = new URL("../", FOLDER);
  const { readdir } = await import("node:fs/promises");
  const files = (await readdir(folder)).filter((name) => name.endsWith(".js"));
  const code = (await Promise.all(files.map((name) => readFile(new URL(name, folder), "utf8")))).join("\n");
  for (const key of Object.keys(tables.en)) assert.match(code, new RegExp(`"${key}"`), key);
  for (const [, key] of code.matchAll(/\.say\("(\w+)"/g)) assert.ok(key in tables.en, key);
});

test("a number chooses the form and is written as the language writes it", () => {
  const english = new Strings("en", tables.en);
  assert.equal(english.say("migrated", { count: 1 }), "1 message was brought along.");
  assert.equal(english.say("migrated", { count: 1234 }), "1,234 messages were brought along.");
  assert.equal(new Strings("de", tables.de).say("migrated", { count: 1234 }), "1.234 Nachrichten wurden mitgenommen.");
  assert.equal(new Strings("ar", tables.ar).say("migrated", { count: 2 }), "نُقلت رسالتان.");
});

test("what a visitor wrote is not read as a placeholder", () => {
  const strings = new Strings("en", tables.en);
  assert.equal(strings.say("source", { number: 1, title: "{number} $&" }), "Source 1: {number} $&");
});

test("the first locale that there are words for is taken", async () => {
  assert.equal((await stringsFor("xx", "de-AT", "en")).locale, "de-AT");
  assert.equal((await stringsFor("not a locale!", null)).locale, "en");
  assert.equal((await stringsFor("ar")).direction, "rtl");
});
