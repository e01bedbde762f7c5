// The page of a training: what is wrong, what cures it, and the curves. `render` draws a document, and then a newer one:
// zoom, hidden runs and open blocks stay. docs/design/cockpit.md says what a document is.
import { button, make, update } from "./words.js";
import { drawHead } from "./head.js";
import { STEPS, columnsOf, plotCurves } from "./curves.js";
import { layerColumns, plotLayers, scalesOf } from "./layers.js";
import { curvesCards, layersCard, newCard, refresh } from "./cards.js";

const RUN_COLORS = 8; // in the style sheet
const SLICE = 12; // milliseconds of drawing at a time
const pages = new Map(); // by their elements

export function render(document, element) {
  if (!pages.has(element)) pages.set(element, begin(element));
  const page = pages.get(element);
  page.document = document;
  const { runs } = document;
  page.runs = runs.map((run) => ({ ...run, color: colorOfRun(page, run.name), label: labelOf(run, runs) }));
  page.scales = scalesOf(page.runs.flatMap((run) => run.record?.layers ?? []));
  draw(page);
}

export function clear(element) {
  const page = pages.get(element);
  page?.observers.forEach((observer) => observer.disconnect());
  page?.cards.forEach((card) => card.plot?.destroy());
  page?.waiting.clear();
  pages.delete(element);
  element.replaceChildren();
}

function begin(element) {
  const parts = {};
  for (const name of ["heading", "runs", "verdicts", "stopping", "tools", "groups"]) parts[name] = make("div", `part-${name}`);
  const probe = make("span"); // has each colour in turn, for the canvas
  const inks = new Map();
  const page = { element, parts, id: `ch8-${performance.now()}`, log: true, groups: [], cards: new Map(), waiting: new Set() };
  Object.assign(page, { hidden: new Set(), open: new Map(), zoom: new Map(), colors: new Map() });
  page.ink = (color) => {
    probe.style.color = color;
    if (!inks.has(color)) inks.set(color, getComputedStyle(probe).color);
    return inks.get(color);
  };
  page.toggle = (name) => {
    if (!page.hidden.delete(name)) page.hidden.add(name);
    drawHead(page);
    arrange(page);
  };
  page.zoomTo = (axis, ends) => {
    if (ends) page.zoom.set(axis, ends);
    else page.zoom.delete(axis);
    drawTools(page);
    need(page, {}, (card) => card.axis === axis);
  };
  const themed = () => {
    inks.clear();
    need(page, {});
  };
  page.views = new IntersectionObserver((entries) => seen(page, entries), { rootMargin: "20px" });
  const sizes = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== page.width) need(page, { size: true });
    page.width = contentRect.width;
  });
  const classes = new MutationObserver(themed);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.onchange = themed;
  page.observers = [page.views, sizes, classes, { disconnect: () => (dark.onchange = null) }];
  sizes.observe(element);
  classes.observe(document.documentElement, { attributeFilter: ["class"] });
  element.classList.add("ch8");
  element.replaceChildren(...Object.values(parts), probe);
  return page;
}

// The last part of the name of a run, where no other has the same.
function labelOf({ name }, runs) {
  const last = (of) => of.slice(of.lastIndexOf("/") + 1);
  return runs.filter((run) => last(run.name) === last(name)).length > 1 ? name : last(name);
}

// The colour of a run, which it keeps; after the last they come again, lighter and then darker.
function colorOfRun({ colors }, name) {
  if (!colors.has(name)) colors.set(name, colors.size);
  const color = `var(--run-${colors.get(name) % RUN_COLORS})`;
  const shade = ["", "white", "black"][Math.floor(colors.get(name) / RUN_COLORS) % 3];
  return shade ? `color-mix(in srgb, ${color} 62%, ${shade})` : color;
}

function draw(page) {
  page.groups = groupsOf(page);
  drawHead(page);
  drawTools(page);
  drawCards(page);
}

function drawTools(page) {
  const headings = page.groups.map(({ heading }) => heading);
  const build = () => {
    const log = button("Log scale", "", () => {
      page.log = !page.log;
      draw(page);
    });
    log.setAttribute("aria-pressed", page.log);
    const reset = button("Reset zoom", "", () => [...page.zoom.keys()].forEach((axis) => page.zoomTo(axis)));
    reset.disabled = !page.zoom.size;
    const help = make("span", "muted", "Drag to zoom, double click to reset; click a run to hide it.");
    const go = (i) => page.parts.groups.children[i].querySelector(".card:not([hidden])")?.scrollIntoView();
    const links = headings.map((heading, i) => button(heading, "link", () => go(i)));
    return make("div", "tools", log, reset, help, make("nav", "", ...links));
  };
  const content = [page.log, page.zoom.size > 0, headings];
  update(page.parts.tools, headings.length ? [{ key: "", content, build }] : []);
}

// The groups of panels that have data, in the order of the chapter: {heading, cards}.
function groupsOf(page) {
  const { groups, panels } = page.document;
  const sections = [...new Set([...Object.keys(groups), ""])];
  const found = new Map(sections.map((section) => [section, []]));
  const isIn = (section, each) => !each || section === each || section.startsWith(`${each}.`);
  const groupOf = ({ section }) => {
    const closest = sections.filter((each) => isIn(section, each)).sort((a, b) => b.length - a.length)[0];
    return found.get(closest);
  };
  for (const panel of panels) groupOf(panel).push(...curvesCards(page, panel));
  const maps = page.runs.flatMap((run) => (run.record?.layers ?? []).map((map) => layersCard(page, run, map)));
  for (const card of maps.toReversed()) if (card.map.steps.length) insert(groupOf(card.panel), card);
  const filled = [...found].filter(([, cards]) => cards.length);
  return filled.map(([section, cards]) => ({ heading: groups[section] ?? "Other numbers", cards }));
}

// Put a map after the curves that show the same, or first.
function insert(cards, card) {
  const isSame = ({ map, panel }) => !map && panel.kinds.some((kind) => card.panel.kinds.includes(kind));
  cards.splice(cards.findIndex(isSame) + 1, 0, card);
}

// Put the cards in their groups; those that were there are kept.
function drawCards(page) {
  const before = page.cards;
  page.cards = new Map();
  for (const { cards } of page.groups) {
    cards.forEach((fresh, i) => {
      while (page.cards.has(fresh.key)) fresh.key += "'"; // two panels of one name
      cards[i] = Object.assign(before.get(fresh.key) ?? newCard(), fresh);
      page.cards.set(fresh.key, cards[i]);
    });
  }
  for (const [key, card] of before) {
    if (page.cards.get(key) === card) continue;
    card.plot?.destroy();
    page.views.unobserve(card.element);
  }
  update(page.parts.groups, page.groups.map(({ heading }) => ({ key: heading, build: () => make("section") })));
  page.groups.forEach(({ cards }, i) => {
    update(page.parts.groups.children[i], cards.map(({ key, element }) => ({ key, build: () => element })));
  });
  page.cards.forEach(({ element }) => page.views.observe(element));
  arrange(page, { data: true });
}

// Hide the cards that have nothing to show, and put the heading of each group on its first one.
function arrange(page, needs = {}) {
  for (const card of page.cards.values()) {
    card.curves = card.all.filter(({ run }) => !page.hidden.has(run.name));
    card.element.hidden = !card.curves.length;
  }
  page.groups.forEach(({ heading, cards }, i) => {
    const title = page.parts.groups.children[i].querySelector("h2") ?? make("h2", "", heading);
    cards.find(({ element }) => !element.hidden)?.element.prepend(title);
  });
  need(page, needs);
}

// The ends of the x axis of a card: how far its runs go, or what was zoomed to.
function endsOf(page, { axis, curves }) {
  const ends = curves.flatMap(({ run, x }) => [x[0], x[x.length - 1], ...(axis === STEPS ? [1, run.step] : [])]);
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  const space = (last - first) / 100 || 1;
  const [min, max] = page.zoom.get(axis) ?? [first - space, last + space];
  return { min, max };
}

// Have cards drawn: those in view at once, the others when there is time.
function need(page, needs, which = () => true) {
  for (const card of [...page.cards.values()].filter(which)) {
    Object.assign(card.needs, needs);
    page.waiting.add(card);
    if (card.visible) drawCard(page, card);
  }
  drawLater(page);
}

function seen(page, entries) {
  for (const { target, isIntersecting } of entries) {
    target.card.visible = isIntersecting;
    if (isIntersecting && page.waiting.has(target.card)) drawCard(page, target.card);
  }
}

// Draw for a short time after each frame: what was clicked is seen first.
function drawLater(page) {
  page.element.dataset.waiting = page.waiting.size;
  if (page.isDrawing || !page.waiting.size) return;
  page.isDrawing = true;
  const slice = () => {
    page.isDrawing = false;
    const end = performance.now() + SLICE;
    for (const card of page.waiting) if (performance.now() < end) drawCard(page, card);
    drawLater(page);
  };
  requestAnimationFrame(() => setTimeout(slice));
}

// Draw a card; its plot is built anew only for other curves or another kind of axis.
function drawCard(page, card) {
  page.waiting.delete(card);
  const { needs, map, all, log, axis } = card;
  const element = card.parts.plot;
  if (!element.clientWidth) return; // it is drawn when it is shown
  card.needs = {};
  refresh(card);
  const shape = JSON.stringify([all.map(({ run, tag, low }) => [run.name, tag, !low]), map?.rows.length, log, axis]);
  if (card.shape !== shape) {
    card.plot?.destroy();
    card.plot = (map ? plotLayers : plotCurves)(page, card, element);
    card.shape = shape;
  }
  const { plot } = card;
  plot.batch(() => {
    if (needs.data) plot.setData(map ? layerColumns(map) : columnsOf(card), false);
    if (needs.size) plot.setSize({ width: element.clientWidth, height: plot.height });
    plot.series.forEach(({ curve, show }, i) => {
      if (curve && show === page.hidden.has(curve.run.name)) plot.setSeries(i, { show: !show });
    });
    plot.setScale("x", endsOf(page, card)); // draws it too
  });
}
