/** Every word the widget says, in the visitor's language. English comes with it, others when they are asked for. */

import { en } from "./strings/en.js";

/** @type {Record<string, () => Promise<Table>>} */
const LANGUAGES = {
  en: async () => en,
  de: async () => (await import("./strings/de.js")).de,
  fr: async () => (await import("./strings/fr.js")).fr,
  es: async () => (await import("./strings/es.js")).es,
  ar: async () => (await import("./strings/ar.js")).ar,
};
const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

export class Strings {
  #table;

  /** @param {string} locale @param {Table} table */
  constructor(locale, table) {
    this.locale = locale;
    this.#table = table;
    this.plurals = new Intl.PluralRules(locale);
    this.numbers = new Intl.NumberFormat(locale);
  }

  get direction() {
    return RIGHT_TO_LEFT.has(this.locale.split("-")[0]) ? "rtl" : "ltr";
  }

  /** `count` chooses the form and stands in it as `{count}`. @param {Key} key @param {Record<string, string | number>} [values] */
  say(key, values = {}) {
    const entry = /** @type {string | Record<string, string>} */ (this.#table[key]);
    const text = typeof entry === "string" ? entry : entry[this.plurals.select(Number(values.count))] ?? entry.other;
    return text.replace(/\{(\w+)\}/g, (_, name) => this.#written(values[name]));
  }

  /** @param {string | number} value */
  #written(value) {
    return typeof value === "number" ? this.numbers.format(value) : value;
  }

  /** @param {string} time */
  date(time) {
    return new Intl.DateTimeFormat(this.locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
  }
}

/** The table for the first of these locales that there is one for. @param {(string | null | undefined)[]} wanted */
export async function stringsFor(...wanted) {
  for (const locale of wanted) {
    const tag = canonical(locale);
    const load = tag && LANGUAGES[tag.split("-")[0]];
    if (load) return new Strings(tag, await load().catch(() => en));
  }
  return new Strings("en", en);
}

/** @param {string | null | undefined} locale */
function canonical(locale) {
  try {
    return Intl.getCanonicalLocales(locale?.replace("_", "-") ?? [])[0] ?? "";
  } catch {
    return "";
  }
}
