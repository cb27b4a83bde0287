/** Nodes, made one by one: nothing here ever reads markup. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | null | undefined>} [attributes] true sets an empty one; false and null none
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export const SHAPES = {
  chat: "M21 12a8 8 0 0 1-8 8H4l1.8-3.2A8 8 0 1 1 21 12z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M12 19V5M5.5 11.5 12 5l6.5 6.5",
  stop: "M7.5 7.5h9v9h-9z",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 12.5 10 17.5 19.5 7",
  up: "M7 11v9H4v-9zm0 8.5c3 1 5 .8 9 .5 1.6-.2 2.6-5.500 2.600-8 0-1.500-1-2-2-2h-4.600c.800-3 .500-5-1-5-1 0-1 1.500-1.500 3S8 10.500 7 11",
  down: "M7 13V4H4v9zm0-8.500c3-1 5-.800 9-.500 1.600.200 2.600 5.500 2.600 8 0 1.500-1 2-2 2h-4.600c.800 3 .500 5-1 5-1 0-1-1.500-1.500-3S8 13.500 7 13",
  retry: "M4 12a8 8 0 1 0 2.500-5.800M4 4v4.500h4.500",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  plus: "M12 5v14M5 12h14",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  save: "M6 4h12v16l-6-4.500L6 20z",
  spark: "M12 3.500 14 10l6.500 2-6.500 2-2 6.500L10 14l-6.500-2L10 10z",
  history: "M4 12a8 8 0 1 0 2.500-5.800M4 4v4.500h4.500M12 8v4.500l3 2",
  download: "M12 4v11M7 10.500l5 5 5-5M5 20h14",
  leave: "M14 4h5v16h-5M4 12h10M10 8l4 4-4 4",
  quote: "M5 7h14M5 12h14M5 17h8",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

/** @param {Icon} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with a picture; its label is its name, and what pointing at it shows.
 * @param {Icon} name @param {string} label @param {Record<string, string | boolean | null | undefined>} [attributes]
 */
export function iconButton(name, label, attributes = {}) {
  const button = make("button", { type: "button", ...attributes });
  button.className = `icon-button ${attributes.class ?? ""}`.trim();
  button.append(icon(name));
  relabel(button, label);
  return button;
}

/** @param {Element} element @param {string} label */
export function relabel(element, label) {
  element.setAttribute("aria-label", label);
  element.setAttribute("title", label);
}

/** @param {string} text */
export function shortened(text) {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
