// What all parts of the page are made of. Whatever a run is called, it becomes text and never markup.

export const LEVELS = ["act", "watch", "ok"];

export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

// Text that may be cut off.
export function short(text) {
  const element = make("span", "short", text);
  element.title = text;
  return element;
}

export function button(text, className, act) {
  const element = make("button", className, text);
  element.dataset.focus = text;
  element.addEventListener("click", act);
  return element;
}

// Text as nodes; what stands between `backticks` is code.
export const prose = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", "", part) : part));

export const isNumber = Number.isFinite;

export const words = (name) => name.replaceAll("_", " ");

export const count = (x) => (isNumber(x) ? x.toLocaleString("en") : "–");

// A number with a few digits; a dash where there is none.
export function number(x, digits = 3) {
  if (!isNumber(x)) return "–";
  const size = Math.abs(x);
  if (size >= 1e5 || (x && size < 1e-3)) return x.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
  return Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(digits)));
}

// The name of a run with its colour.
export function nameOf(run, text = run.name) {
  const dot = make("span", "dot");
  dot.style.background = run.color;
  return make("span", "name", dot, short(text));
}

// A level and what has it.
export function finding([level, text]) {
  const badge = make("span", `badge ${level}`, level === "none" ? "NOT LOOKED" : level.toUpperCase());
  return make("span", "finding", badge, text);
}

// The verdicts of a run that ask for something, the most serious first.
export function wrong(run) {
  const verdicts = run.record?.verdicts ?? [];
  return LEVELS.slice(0, 2).flatMap((level) => verdicts.filter((verdict) => verdict.level === level));
}

// The kinds of such verdicts by level: [level, "kind, kind"].
export function kindsOf(verdicts) {
  const kinds = (level) => new Set(verdicts.filter((verdict) => verdict.level === level).map(({ kind }) => words(kind)));
  return LEVELS.map((level) => [level, [...kinds(level)].join(", ")]).filter(([, text]) => text);
}

const kept = new WeakMap();

// Make the children those of a list of {key, content, build}: with the content that it had, a child stays; the focus
// stays where `data-focus` is the same.
export function update(parent, list) {
  const before = kept.get(parent);
  const now = new Map();
  for (const { key, content, build } of list) {
    const text = JSON.stringify(content);
    const old = before?.get(key);
    now.set(key, old && old.text === text ? old : { text, child: build() });
  }
  kept.set(parent, now);
  const children = [...now.values()].map(({ child }) => child);
  if (children.length === parent.children.length && children.every((child, i) => child === parent.children[i])) return;
  const focus = parent.contains(document.activeElement) && document.activeElement.dataset.focus;
  parent.replaceChildren(...children);
  if (focus) [...parent.querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === focus)?.focus();
}
