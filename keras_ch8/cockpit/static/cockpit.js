// The page of a training: what is wrong, what cures it, and the curves. `render` draws it from one document, and again
// from a newer one: zoom, hidden runs and open blocks stay. docs/design/cockpit.md says what a document is.
import { button, make, update } from "./words.js";
import { drawHeading, drawRuns, drawStopping, drawVerdicts } from "./head.js";
import { columnsOf, curvesOf, plotCurves } from "./curves.js";
import { layerColumns, plotLayers, scalesOf } from "./layers.js";
import { newCard, panelOfCurves, panelOfLayers, refresh, shapeOf } from "./cards.js";

const RUN_COLORS = 8; // of runs, in the style sheet
const SLICE = 12; // milliseconds of drawing at a time, of what is not looked at
const pages = new WeakMap();
let pagesSoFar = 0;

/** Draw a document into an element. */
export function render(document, element) {
  const page = pages.get(element) ?? begin(element);
  page.document = document;
  page.runs = document.runs.map((run) => ({ ...run, color: colorOfRun(page, run.name) }));
  page.scales = scalesOf(page.runs.flatMap((run) => run.record?.layers ?? []));
  draw(page);
}

/** Take the page out of an element, with all that watches it. */
export function clear(element) {
  const page = pages.get(element);
  if (!page) return;
  page.stops.forEach((stop) => stop());
  page.cards.forEach((card) => card.plot?.destroy());
  clearTimeout(page.timer);
  pages.delete(element);
  element.replaceChildren();
}

/** Return the state of a page that is drawn for the first time. */
function begin(element) {
  const names = ["heading", "runs", "verdicts", "stopping", "tools", "groups"];
  const parts = Object.fromEntries(names.map((name) => [name, make("div", `part-${name}`)]));
  const page = {
    id: `ch8-${pagesSoFar++}`,
    element,
    parts,
    hidden: new Set(), // names of runs
    open: new Map(), // blocks of verdicts that a person opened or closed
    log: true,
    zoom: new Map(), // by x axis; what is not zoomed is missing
    colors: new Map(), // a run keeps its colour when others come
    groups: [], // of cards, under their headings
    cards: new Map(),
    waiting: new Set(), // cards to be drawn
    inks: new Map(), // what the colours of the style sheet are now
    cardsSoFar: 0,
    stops: [],
  };
  const probe = make("span"); // has each colour in turn, so that a canvas gets what the style sheet means
  page.ink = (color) => {
    if (!page.inks.has(color)) {
      probe.style.color = color;
      page.inks.set(color, getComputedStyle(probe).color);
    }
    return page.inks.get(color);
  };
  page.zoomTo = (axis, ends) => {
    if (ends) page.zoom.set(axis, ends);
    else page.zoom.delete(axis);
    drawTools(page);
    needAll(page, { paint: true }, (card) => card.axis === axis);
  };
  element.classList.add("ch8");
  element.replaceChildren(...Object.values(parts), probe);
  pages.set(element, page);
  watch(page);
  return page;
}

/** See when a card comes into view, when the width changes, and when the theme does. */
function watch(page) {
  const { element, stops } = page;
  page.views = new IntersectionObserver((entries) => seen(page, entries), { rootMargin: "200px" });
  let width = element.clientWidth;
  const sizes = new ResizeObserver(() => {
    if (element.clientWidth === width || !element.clientWidth) return;
    width = element.clientWidth;
    needAll(page, { size: true });
  });
  sizes.observe(element);
  const themed = () => {
    page.inks.clear();
    needAll(page, { paint: true });
  };
  const classes = new MutationObserver(themed);
  classes.observe(document.documentElement, { attributeFilter: ["class"] });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", themed);
  stops.push(() => page.views.disconnect(), () => sizes.disconnect(), () => classes.disconnect());
  stops.push(() => dark.removeEventListener("change", themed));
}

/** Return the colour of a run as CSS; when all are taken they come again, lighter and then darker. */
function colorOfRun(page, name) {
  if (!page.colors.has(name)) page.colors.set(name, page.colors.size);
  const i = page.colors.get(name);
  const color = `var(--run-${i % RUN_COLORS})`;
  const shade = ["", "white", "black"][Math.floor(i / RUN_COLORS) % 3];
  return shade ? `color-mix(in srgb, ${color} 62%, ${shade})` : color;
}

function draw(page) {
  page.groups = groupsOf(page);
  drawUpper(page);
  drawTools(page);
  drawCards(page);
}

function drawUpper(page) {
  drawHeading(page);
  drawRuns(page, (name) => toggle(page, name));
  drawVerdicts(page);
  drawStopping(page);
}

/** Hide a run, or show it again: nothing is built anew. */
function toggle(page, name) {
  if (!page.hidden.delete(name)) page.hidden.add(name);
  drawUpper(page);
  for (const card of page.cards.values()) refresh(page, card);
  arrange(page);
  needAll(page, { paint: true });
}

/** Draw the buttons that hold for all panels, and those that lead to a group of them. */
function drawTools(page) {
  const headings = page.groups.map(({ heading }) => heading);
  const build = () => {
    const log = button("", "Log scale", () => {
      page.log = !page.log;
      draw(page);
    });
    log.setAttribute("aria-pressed", page.log);
    const reset = button("", "Reset zoom", () => [...page.zoom.keys()].forEach((axis) => page.zoomTo(axis, undefined)));
    reset.disabled = !page.zoom.size;
    const links = headings.map((heading) => button("link", heading, () => goTo(page, heading)));
    [log, reset, ...links].forEach((each) => (each.dataset.focus = each.textContent));
    const help = make("span", "muted", "Drag to zoom, double click to reset; click a run above to hide it.");
    return make("div", "tools", log, reset, help, make("nav", "", ...links));
  };
  const tools = { key: "tools", content: [page.log, page.zoom.size > 0, headings], build };
  update(page.parts.tools, headings.length ? [tools] : []);
}

function goTo(page, heading) {
  const title = [...page.parts.groups.querySelectorAll("h2")].find((each) => each.textContent === heading);
  title?.parentElement.scrollIntoView();
}

/** Return the groups of panels that have data, in the order of the chapter: {heading, panels}. */
function groupsOf(page) {
  const { groups, panels } = page.document;
  const found = new Map(Object.keys(groups).map((section) => [section, []]));
  const groupOf = (section) => {
    const closest = Object.keys(groups).reduce((best, each) => (isCloser(section, best, each) ? each : best), "");
    if (!found.has(closest)) found.set(closest, []);
    return found.get(closest);
  };
  for (const panel of panels) {
    const curves = curvesOf(panel, page.runs);
    if (curves.length) groupOf(panel.section).push(panelOfCurves(page, panel, curves));
  }
  for (const run of page.runs) {
    for (const map of run.record?.layers ?? []) {
      if (map.steps.length && map.rows.length) insert(groupOf(map.section), panelOfLayers(page, run, map));
    }
  }
  const filled = [...found].filter(([, cards]) => cards.length);
  return filled.map(([section, cards]) => ({ heading: groups[section] || "Other numbers", cards }));
}

/** Return whether a section is in one that is longer than the best so far: 8.2.7 is in 8.2, not in 8.2.1. */
function isCloser(section, best, each) {
  return each.length > best.length && (section === each || section.startsWith(`${each}.`));
}

/** Put a map after the curves that show the same, and after their other maps; or at the end. */
function insert(cards, card) {
  const isSame = (other) => !other.map && other.panel.kinds.some((kind) => card.panel.kinds.includes(kind));
  let i = cards.findIndex(isSame);
  if (i < 0) i = cards.length - 1;
  while (cards[i + 1]?.map) i++;
  cards.splice(i + 1, 0, card);
}

/** Draw the cards of all groups: those that were there are kept, and drawn again where they have new numbers. */
function drawCards(page) {
  const before = page.cards;
  page.cards = new Map();
  for (const { cards } of page.groups) {
    cards.forEach((fresh, i) => {
      let key = fresh.key;
      while (page.cards.has(key)) key += "'"; // two panels of one name
      const card = before.get(key) ?? newCard(page);
      before.delete(key);
      Object.assign(card, fresh);
      page.cards.set(key, card);
      cards[i] = card;
    });
  }
  for (const card of before.values()) remove(page, card);
  drawGroups(page);
  for (const card of page.cards.values()) {
    refresh(page, card);
    if (card.isNew) page.views.observe(card.element);
    card.isNew = false;
  }
  arrange(page);
  needAll(page, { data: true });
}

/** Put the cards in their groups; an element that stays in its place is not touched, so that it keeps the focus. */
function drawGroups(page) {
  const build = ({ heading }) => {
    const section = make("section", "");
    section.setAttribute("aria-label", heading);
    return section;
  };
  update(page.parts.groups, page.groups.map((group) => ({ key: group.heading, content: "", build: () => build(group) })));
  page.groups.forEach(({ cards }, i) => {
    const build = ({ element }) => () => element;
    update(page.parts.groups.children[i], cards.map((card) => ({ key: card.id, content: "", build: build(card) })));
  });
}

function remove(page, card) {
  card.plot?.destroy();
  page.views.unobserve(card.element);
  page.waiting.delete(card);
}

/** Put the heading of each group on its first card that is shown; find how far the runs go on each x axis. */
function arrange(page) {
  page.groups.forEach(({ heading, cards }, i) => {
    const section = page.parts.groups.children[i];
    const first = cards.find((card) => !card.element.hidden)?.element;
    section.hidden = !first;
    const title = section.querySelector("h2") ?? make("h2", "", heading);
    if (first && title.parentElement !== first) first.prepend(title);
  });
  page.ends = new Map();
  for (const { axis, ends } of page.cards.values()) {
    for (const [name, first, last] of ends) {
      const key = `${name}\n${axis}`;
      const before = page.ends.get(key) ?? [first, last];
      page.ends.set(key, [Math.min(before[0], first), Math.max(before[1], last)]);
    }
  }
}

/** Return the ends of the x axis of a card: how far its runs go, in whichever panel, or what was zoomed to. */
function endsOf(page, { axis, ends }) {
  const zoomed = page.zoom.get(axis);
  if (zoomed) return zoomed;
  const all = ends.map(([name]) => page.ends.get(`${name}\n${axis}`));
  const [first, last] = [Math.min(...all.map((each) => each[0])), Math.max(...all.map((each) => each[1]))];
  const space = first === last ? 1 : (last - first) / 100;
  return [first - space, last + space];
}

/** Have cards drawn again, those in view at once and the others when there is time. */
function needAll(page, need, which = () => true) {
  for (const card of page.cards.values()) {
    if (!which(card)) continue;
    Object.assign(card.needs, need);
    page.waiting.add(card);
    if (card.visible) drawCard(page, card);
  }
  drawLater(page);
}

/** Remember which cards are in view, and draw those that wait for it. */
function seen(page, entries) {
  for (const { target, isIntersecting } of entries) {
    const card = [...page.cards.values()].find(({ element }) => element === target);
    if (!card) continue;
    card.visible = isIntersecting;
    if (isIntersecting && page.waiting.has(card)) drawCard(page, card);
  }
  page.element.dataset.waiting = page.waiting.size;
}

function drawLater(page) {
  page.element.dataset.waiting = page.waiting.size;
  if (page.timer || !page.waiting.size) return;
  page.timer = setTimeout(() => {
    page.timer = undefined;
    const end = performance.now() + SLICE;
    for (const card of page.waiting) {
      drawCard(page, card);
      if (performance.now() > end) break;
    }
    drawLater(page);
  });
}

/** Bring the plot of a card up to date; it is built anew only where it has other curves or another kind of axis. */
function drawCard(page, card) {
  page.waiting.delete(card);
  const { needs, element, parts } = card;
  if (element.hidden || !parts.plot.clientWidth) return; // it is drawn when it is shown
  card.needs = {};
  const [min, max] = endsOf(page, card);
  const shape = shapeOf(card);
  if (card.plot && card.shape === shape) {
    card.plot.batch(() => {
      if (needs.data) card.plot.setData(card.map ? layerColumns(card.map) : columnsOf(card), false);
      if (needs.size) card.plot.setSize({ width: parts.plot.clientWidth, height: card.plot.height });
      if (!card.map) showRuns(page, card);
      card.plot.setScale("x", { min, max });
      card.plot.redraw();
    });
  } else {
    card.plot?.destroy();
    card.shape = shape;
    card.plot = (card.map ? plotLayers : plotCurves)(page, card, parts.plot);
    card.plot.setScale("x", { min, max });
  }
  card.read(card.plot);
}

/** Show the series of the runs that are not hidden. */
function showRuns(page, { plot }) {
  plot.series.forEach(({ curve, show }, i) => {
    if (curve && show === page.hidden.has(curve.run.name)) plot.setSeries(i, { show: !show });
  });
}
