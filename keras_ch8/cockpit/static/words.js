// What the page is made of. Whatever a run is called, it becomes text and never markup.

export const LEVELS = ["act", "watch"]; // of what asks for something

// An element, such as `make("p.muted", "text")`.
export function make(selector, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  element.append(...children);
  return element;
}

// Text in which a line may end after some characters.
export const broken = (text, after) => text.split(after).flatMap((part) => [part, make("wbr")]);

// A name, which may be cut off.
export const short = (text) => Object.assign(make("span.short", ...broken(text, /(?<=[_/])/)), { title: text });

export function button(text, act, selector = "button.link") {
  const element = make(selector, text);
  element.dataset.focus = text;
  element.onclick = act;
  return element;
}

// Text as nodes; what stands between `backticks` is code.
export const prose = (text) => text.split("`").map((part, i) => (i % 2 ? make("code", ...broken(part, /(?<=[(.])/)) : part));

export const isNumber = Number.isFinite;

// The last part of a name with folders.
export const lastOf = (name) => name.split("/").at(-1);

export const words = (name) => name.replaceAll("_", " ");

export const count = (x) => (isNumber(x) ? x.toLocaleString("en") : "–");

// A number with a few digits; a dash where there is none.
export function number(x, digits = 3) {
  if (!isNumber(x)) return x ?? "–";
  const size = Math.abs(x);
  if (size >= 1e5 || (x && size < 1e-3)) return x.toExponential(digits - 1).replace(/\.?0*e\+?/, "e");
  return String(Number.isInteger(x) ? x : +x.toPrecision(digits));
}

export function colored(selector, background) {
  const element = make(selector);
  element.style.background = background;
  return element;
}

// A block with a heading that opens it; it stays as a person left it.
export function foldOf(page, key, head, isOpen, ...content) {
  const fold = make("details", make("summary", ...head), ...content);
  fold.firstChild.dataset.focus = key;
  fold.open = page.open.get(key) ?? isOpen;
  fold.ontoggle = () => page.open.set(key, fold.open);
  return fold;
}

// The name of a run with its colour.
export const nameOf = (run, text = run.name) => make("span.name", colored("span.dot", run.color), short(text));

// A level and what has it; "ok.grey" is one of another colour.
export function finding([level, text]) {
  const badge = make(`span.badge.${level}`, words(level.split(".")[0]).toUpperCase());
  return make("span.finding", badge, text);
}

// The verdicts of a run that ask for something, the most serious first.
export function wrong(run) {
  const verdicts = run.record?.verdicts ?? [];
  return LEVELS.flatMap((level) => verdicts.filter((verdict) => verdict.level === level));
}

// The titles of such verdicts by level, and of several runs whose they are: [level, "title in run, run"].
export function titlesOf(verdicts) {
  const few = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
  const titles = (level) => Map.groupBy(verdicts.filter((each) => each.level === level), ({ title }) => title);
  const told = ([title, all]) => (all[0].of ? `${title} in ${few(all.map(({ of }) => of))}` : title);
  const said = (level) => [...titles(level)].map(told).join(", ");
  return LEVELS.map((level) => [level, said(level)]).filter(([, text]) => text);
}

// Make the children those of a list of {key, content, build}: one with the same content stays; so does the focus, by
// `data-focus`.
export function update(parent, list) {
  const now = new Map();
  for (const { key, content, build } of list) {
    const text = JSON.stringify(content);
    const old = parent.kept?.get(key);
    now.set(key, old && old.text === text ? old : { text, child: build() });
  }
  parent.kept = now;
  const children = [...now.values()].map(({ child }) => child);
  if (children.length === parent.children.length && children.every((child, i) => child === parent.children[i])) return;
  const focus = parent.contains(document.activeElement) && document.activeElement.dataset.focus;
  parent.replaceChildren(...children);
  if (focus) parent.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
}
