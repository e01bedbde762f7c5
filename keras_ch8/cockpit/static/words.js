// Small things that all parts of the page are made of: elements, numbers as a person writes them, and lists of elements
// that are kept from one drawing to the next. Whatever a run is called, it becomes text and never markup.

export const LEVELS = ["ok", "watch", "act"]; // from no concern to something to change now

/** Return an element with a class and children; a string becomes text. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Return an element of text that may be cut off where it is too long; the whole of it is in its title. */
export function short(tag, className, text) {
  const element = make(tag, `${className} short`, text);
  element.title = text;
  return element;
}

/** Return a button that does something. */
export function button(className, text, act) {
  const element = make("button", className, text);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Return text as nodes, with what stands between `backticks` in the font of code. */
export function prose(text) {
  return text.split("`").map((part, i) => (i % 2 ? make("code", "", part) : part));
}

/** Return a number with a few digits; a dash where there is none. */
export function number(x, digits = 3) {
  if (!isNumber(x)) return "–";
  const size = Math.abs(x);
  if (x !== 0 && (size >= 1e5 || size < 1e-3)) {
    return x.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
  }
  return Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(digits)));
}

/** Return labels for the numbers of an axis, with as many digits as tell them apart. */
export function labels(numbers) {
  for (let digits = 1; ; digits++) {
    const said = numbers.map((x) => number(x, digits));
    const far = (text, i) => Math.abs(Number(text) - numbers[i]) > 1e-3 * Math.abs(numbers[i]);
    if (digits === 8 || (new Set(said).size === said.length && !said.some(far))) return said;
  }
}

/** Return a count with its thousands apart. */
export const count = (x) => x.toLocaleString("en");

/** Return a name of the code as words. */
export const words = (name) => name.replaceAll("_", " ");

export const isNumber = (x) => typeof x === "number" && Number.isFinite(x);

/** Return a dot in the colour of a run. */
export function dot(color) {
  const element = make("span", "dot");
  element.style.background = color;
  return element;
}

/** Return the word for a level, or for a run that nothing looked at, as a badge. */
export function badge(level) {
  return make("span", `badge ${level}`, level === "none" ? "NOT LOOKED" : level.toUpperCase());
}

const kept = new WeakMap();

/**
 * Make the children of an element those of a list of {key, content, build}. Where the content is as before, the child
 * stays; what had the focus, as its `data-focus` says, has it again.
 */
export function update(parent, list) {
  const before = kept.get(parent) ?? new Map();
  const now = new Map();
  for (const { key, content, build } of list) {
    const text = JSON.stringify(content);
    const old = before.get(key);
    now.set(key, old?.text === text ? old : { text, child: build() });
  }
  kept.set(parent, now);
  const children = [...now.values()].map((entry) => entry.child);
  if (children.length === parent.children.length && children.every((child, i) => child === parent.children[i])) return;
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  parent.replaceChildren(...children);
  if (focused === undefined) return;
  for (const element of parent.querySelectorAll("[data-focus]")) {
    if (element.dataset.focus === focused) element.focus({ preventScroll: true });
  }
}
