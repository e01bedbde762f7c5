// The page of a training. `render` draws a document, and then a newer one: zoom, hidden runs and open blocks stay.
// docs/design/cockpit.md says what a document is.
import uPlot from "./vendor/uPlot.js";
import { button, lastOf, make, update } from "./words.js";
import { drawHead } from "./head.js";
import { STEPS, columnsOf, curveOptions } from "./curves.js";
import { layerOptions, scalesOf } from "./layers.js";
import { cardsOf, newCard, refresh } from "./cards.js";

const RUN_COLORS = 8; // in the style sheet
const SLICE = 12; // milliseconds of drawing at a time
const AGAIN = 15_000; // milliseconds after which the page looks how old its news are

// Draw a document; `follows` says whether newer ones come by themselves.
export function render(document, element, follows = false) {
  const page = (element.page ??= begin(element));
  const { runs, rows } = document;
  Object.assign(page, { document, follows });
  const order = rows.flatMap((row) => row.runs.map((name) => [name, row.name]));
  const place = ({ name }) => order.findIndex(([each]) => each === name);
  for (const { record } of runs) for (const verdict of record?.verdicts ?? []) verdict.title = document.titles[verdict.kind];
  const shown = runs.map((run) => ({ ...run, color: colorOfRun(page, order[place(run)][1]), label: labelOf(run, runs) }));
  page.runs = shown.sort((a, b) => place(a) - place(b)); // the best first
  page.scales = scalesOf(page.runs.flatMap((run) => run.record?.layers ?? []));
  draw(page);
}

export function clear(element) {
  const { page } = element;
  page?.observers.forEach((observer) => observer.disconnect());
  page?.cards.forEach((card) => card.plot?.destroy());
  page?.waiting.clear();
  delete element.page;
  element.replaceChildren();
}

function begin(element) {
  const parts = {};
  for (const name of ["heading", "main", "loss", "verdicts", "runs", "stopping", "tools", "groups"]) {
    parts[name] = make(`div.part-${name}`);
  }
  const { heading, main, loss, ...others } = parts;
  const first = make("div.first", main, loss);
  const fold = make("details.rest", make("summary"), make("div.part-groups"));
  const probe = make("span"); // has each colour in turn, for the canvas
  const inks = new Map();
  const page = { element, parts, fold, id: performance.now(), log: true, cards: new Map(), waiting: new Set() };
  Object.assign(page, { hidden: new Set(), open: new Map(), zoom: new Map(), colors: new Map(), sort: {} });
  page.ink = (color) => {
    probe.style.color = color;
    if (!inks.has(color)) inks.set(color, getComputedStyle(probe).color);
    return inks.get(color);
  };
  page.toggle = (names, isOff) => {
    for (const name of names) page.hidden[isOff ? "add" : "delete"](name);
    drawHead(page);
    arrange(page);
  };
  page.stress = (names) => {
    page.stressed = names;
    for (const { visible, plot } of page.cards.values()) if (visible) plot?.redraw(false);
  };
  page.zoomTo = (axis, ends) => {
    if (ends) page.zoom.set(axis, ends);
    else page.zoom.delete(axis);
    drawTools(page);
    need(page, (card) => card.axis === axis);
  };
  const themed = () => {
    inks.clear();
    need(page);
  };
  fold.ontoggle = () => need(page);
  window.onbeforeprint = () => page.waiting.forEach((card) => drawCard(page, card));
  page.views = new IntersectionObserver((entries) => seen(page, entries), { rootMargin: "20px" });
  const sizes = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== page.width) need(page);
    page.width = contentRect.width;
  });
  const classes = new MutationObserver(themed);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.onchange = themed;
  const timer = setInterval(() => page.runs.some(({ news }) => news) && drawHead(page), AGAIN);
  const disconnect = () => {
    dark.onchange = null;
    clearInterval(timer);
  };
  page.observers = [page.views, sizes, classes, { disconnect }];
  sizes.observe(element);
  classes.observe(document.documentElement, { attributeFilter: ["class"] });
  element.classList.add("ch8");
  element.replaceChildren(heading, first, ...Object.values(others), fold, probe);
  parts.rest = fold.lastChild;
  return page;
}

// The last part of the name of a run, where no other has the same.
function labelOf({ name }, runs) {
  return runs.filter((run) => lastOf(run.name) === lastOf(name)).length > 1 ? name : lastOf(name);
}

// The colour of a run, which it keeps; after the last they come again, lighter, darker.
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
  const named = page.groups.filter(({ heading }) => heading);
  const build = () => {
    const log = button("Log scale", () => {
      page.log = !page.log;
      draw(page);
    }, "button");
    log.ariaPressed = page.log;
    const reset = button("Reset zoom", () => page.zoom.forEach((_, axis) => page.zoomTo(axis)), "button");
    reset.disabled = !page.zoom.size;
    const help = make("span.muted.help", "Drag to zoom, double-click to reset; click a run to hide it.");
    const go = ({ part, cards }) => {
      if (part === "rest") page.fold.open = true;
      for (const card of page.waiting) drawCard(page, card); // else what stands above would still grow
      firstOf({ cards })?.scrollIntoView();
    };
    const links = named.map((group, i) => button(group.heading, () => go(page.groups.filter(({ heading }) => heading)[i])));
    return make("div.tools", log, reset, help, make("nav", ...links));
  };
  const content = [page.log, page.zoom.size > 0, named.map(({ heading }) => heading)];
  update(page.parts.tools, page.groups.length ? [{ content, build }] : []);
}

// The groups of panels that have data, in the order of the document: {part, heading, cards}.
function groupsOf(page) {
  const cards = page.document.panels.flatMap((panel) => cardsOf(page, panel));
  const groups = [...Map.groupBy(cards, ({ panel }) => panel.heading)];
  return groups.map(([heading, cards]) => ({ part: cards[0].panel.part, heading, cards }));
}

// Put the cards in their groups; old ones are kept.
function drawCards(page) {
  const before = page.cards;
  page.cards = new Map();
  for (const { cards } of page.groups) {
    cards.forEach((fresh, i) => {
      while (page.cards.has(fresh.key)) fresh.key += "'"; // two panels of one name
      cards[i] = Object.assign(before.get(fresh.key) ?? newCard(page), fresh, { isNew: true });
      page.cards.set(fresh.key, cards[i]);
    });
  }
  for (const [key, card] of before) {
    if (page.cards.has(key)) continue;
    card.plot?.destroy();
    page.views.unobserve(card.element);
  }
  for (const name of ["loss", "groups", "rest"]) {
    const part = page.parts[name];
    const groups = page.groups.filter((group) => group.part === name);
    const listed = groups.flatMap(({ heading, cards }) => [
      ...(heading ? [{ key: `heading ${heading}`, build: () => make("h2", heading) }] : []),
      ...cards.map(({ key, element }) => ({ key, build: () => element })),
    ]);
    update(part, listed);
    for (const group of groups) group.title = part.kept.get(`heading ${group.heading}`)?.child;
  }
  page.cards.forEach(({ element }) => page.views.observe(element));
  arrange(page);
}

// Hide cards that have nothing to show, and the headings of groups of such.
function arrange(page) {
  for (const card of page.cards.values()) {
    card.curves = card.all.filter(({ run }) => !page.hidden.has(run.name));
    card.element.hidden = !card.curves.length;
  }
  for (const group of page.groups) if (group.title) group.title.hidden = !firstOf(group);
  const inFold = page.groups.filter(({ part }) => part === "rest");
  const folded = inFold.flatMap(({ cards }) => cards.filter(({ element }) => !element.hidden)).length;
  page.fold.hidden = !folded;
  page.fold.firstChild.textContent = `All other charts: ${folded}`;
  if (folded && inFold.length === page.groups.length) page.fold.open = true; // there is nothing else
  need(page);
}

const firstOf = ({ cards }) => cards.find(({ element }) => !element.hidden)?.element;

// The ends of the x axis of a card: how far its runs go, or what was zoomed to.
function endsOf(page, { axis, curves }) {
  const ends = curves.flatMap(({ run, x }) => [x[0], x.at(-1), ...(axis === STEPS ? [1, run.step] : [])]);
  const [first, last] = [Math.min(...ends), Math.max(...ends)];
  const space = (last - first) / 100 || 1;
  const [min, max] = page.zoom.get(axis) ?? [first - space, last + space];
  return { min, max };
}

// Have cards drawn: those in view at once, others when there is time.
function need(page, which = () => true) {
  for (const card of [...page.cards.values()].filter(which)) {
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
  const { map, all, log, outlying, axis } = card;
  const element = card.parts.plot;
  if (!element.clientWidth) return; // it is drawn when it is shown
  refresh(card);
  const shape = JSON.stringify([all.map(({ run, tag, low }) => [run.name, tag, !low]), map?.rows.length, log, outlying, axis]);
  if (card.shape !== shape) {
    card.plot?.destroy();
    card.plot = new uPlot((map ? layerOptions : curveOptions)(page, card), columnsOf(card), element);
    card.shape = shape;
  }
  const { plot } = card;
  plot.batch(() => {
    if (card.isNew) plot.setData(columnsOf(card), false);
    card.isNew = false;
    const width = element.clientWidth;
    if (width !== plot.width) plot.setSize({ width, height: plot.height });
    plot.series.forEach(({ curve, show }, i) => {
      if (curve && show === page.hidden.has(curve.run.name)) plot.setSeries(i, { show: !show });
    });
    plot.setScale("x", endsOf(page, card)); // draws it too
  });
}
