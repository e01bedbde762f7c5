// The card of a panel: its title and unit, a frame where a verdict stands, the plot, what the cursor reads, and the CSV.
import { LEVELS, badge, button, count, dot, isNumber, make, number, short, words } from "./words.js";
import { wrong } from "./head.js";
import {
  HEIGHT, STEPS, canBeLog, columnsOf, dashOf, glyph, linesOf, marksOf, tagsOf, valueAt,
} from "./curves.js";
import { cellAt, colorBar, heightOf } from "./layers.js";

/** Return what a card shows of a panel and its curves. */
export function panelOfCurves(page, panel, curves) {
  const runs = [...new Set(curves.map((curve) => curve.run))];
  const tags = new Set(curves.map((curve) => curve.tag));
  const log = page.log && panel.log && canBeLog(curves);
  return { key: `${panel.title}\n${panel.series}`, panel, curves, runs, tags, log, axis: axisOf(panel) };
}

/** Return what a card shows of the layers of a run. */
export function panelOfLayers(page, run, map) {
  const { title, unit, section, kinds, name } = map;
  const panel = { title, unit, section, kinds, series: [name], events: [], lines: [], x: "", x_label: STEPS };
  const about = { panel, curves: [], runs: [run], tags: new Set([name]), axis: STEPS, log: false, run };
  return { ...about, key: `${run.name}\n${name}`, map, scale: page.scales.get(unit), height: heightOf(map.rows.length) };
}

/** Return the name of an x axis; panels with one of the same name share zoom and cursor. */
const axisOf = (panel) => panel.x || panel.x_label || STEPS;

/** Return what a plot must be built anew for, as text. */
export function shapeOf({ curves, map, log, axis }) {
  const lines = curves.map(({ run, tag, low, high }) => [run.name, tag, Boolean(low && high)]);
  return JSON.stringify([lines, map?.rows.length, log, axis]);
}

/** Return a card without content. */
export function newCard(page) {
  const parts = { title: make("h3"), unit: make("span", "muted"), found: make("span", "kinds"), plot: make("div", "plot") };
  parts.below = make("div", "below");
  const card = { id: page.cardsSoFar++, parts, needs: {}, isNew: true, visible: false };
  const csv = button("csv", "CSV", () => save(card));
  csv.title = "Download the numbers of this panel";
  const head = make("div", "head", parts.title, csv);
  card.element = make("article", "card", head, make("div", "under", parts.unit, parts.found), parts.plot, parts.below);
  card.concerns = (verdict) => card.panel.kinds.includes(verdict.kind) || card.tags.has(verdict.series);
  card.read = (plot) => read(card, plot);
  return card;
}

/** Bring all of a card but its plot up to date. */
export function refresh(page, card) {
  const { element, parts, panel, map } = card;
  const runs = card.runs.filter((run) => !page.hidden.has(run.name));
  const curves = card.curves.filter((curve) => !page.hidden.has(curve.run.name));
  element.hidden = !runs.length;
  element.dataset.panel = panel.title;
  card.lines = linesOf(panel, card.curves, page.hidden);
  card.marks = marksOf(card, page.hidden);
  card.ends = (map ? [{ run: card.run, x: map.steps }] : curves).map(({ run, x }) => [run.name, x[0], x[x.length - 1]]);
  const title = map ? [dot(card.run.color), short("span", "", `${card.run.name}: ${panel.title}`)] : [panel.title];
  parts.title.replaceChildren(...title);
  parts.plot.style.minHeight = `${card.height ?? HEIGHT}px`;
  parts.unit.textContent = `[${panel.unit || "1"}]`;
  drawFound(card, runs);
  if (map) drawScale(card);
  else drawLegend(card, runs, curves);
}

/** Frame the card in the colour of the gravest verdict that it shows, and name the kinds. */
function drawFound({ element, parts, concerns }, runs) {
  const verdicts = runs.flatMap((run) => wrong(run).filter(concerns));
  const levels = LEVELS.filter((level) => verdicts.some((verdict) => verdict.level === level)).reverse();
  element.className = `card ${levels[0] ?? ""}`;
  const found = levels.map((level) => {
    const kinds = new Set(verdicts.filter((verdict) => verdict.level === level).map(({ kind }) => words(kind)));
    return make("span", "finding", badge(level), [...kinds].join(", "));
  });
  parts.found.replaceChildren(...found);
}

/** Draw the table of numbers below a plot: a row for each run, a column for each series, and the marks of events. */
function drawLegend(card, runs, curves) {
  const tags = tagsOf(card.curves);
  card.at = make("th", "at", "last");
  const columns = tags.map(([rank, tag]) => make("th", "number", sample(rank), short("span", "tag", nameOf(tag, tags))));
  tags.forEach(([, tag], i) => (columns[i].title = tag));
  const head = make("tr", "", card.at, ...columns);
  card.cells = [];
  const rows = runs.map((run) => {
    const name = make("th", "", make("span", "name", dot(run.color), short("span", "", run.name)));
    const cells = tags.map(([rank]) => {
      const curve = curves.find((other) => other.run === run && other.rank === rank);
      const element = make("td", "number");
      if (curve) card.cells.push({ element, curve });
      return element;
    });
    return make("tr", "", name, ...cells);
  });
  const table = make("table", "", make("thead", "", head), make("tbody", "", ...rows));
  const scroll = make("div", tags.length > 1 ? "legend" : "legend one", table);
  const said = make("div", "events", ...eventKinds(card.marks.events));
  card.said = said;
  const before = card.parts.below.querySelector(".legend")?.scrollTop ?? 0;
  card.parts.below.replaceChildren(scroll, said);
  scroll.scrollTop = before;
  read(card, card.plot);
}

/** Return a line drawn as that of the series of a rank. */
function sample(rank) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("class", "sample");
  svg.setAttribute("viewBox", "0 0 26 8");
  line.setAttribute("d", "M0 4H26");
  line.setAttribute("stroke-dasharray", dashOf(rank).join(" "));
  svg.append(line);
  return svg;
}

/** Return the name of a series without its folder, unless another one has the same. */
function nameOf(tag, tags) {
  const last = (name) => name.slice(name.lastIndexOf("/") + 1);
  return tags.filter(([, other]) => last(other) === last(tag)).length > 1 ? tag : last(tag);
}

function eventKinds(events) {
  const kinds = [...new Set(events.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const all = events.filter((event) => event.kind === kind);
    const item = make("span", "", `${glyph(kind)} ${words(kind)}`, all.length > 1 ? ` (${all.length})` : "");
    item.title = all.slice(0, 20).map(({ run, step, text }) => `${run.name}, step ${step}: ${text}`).join("\n");
    return item;
  });
}

/** Say below the plot what the curves are at the cursor, or their last values where there is none. */
function read(card, plot) {
  const left = plot?.cursor.left;
  const inside = left >= 0;
  if (card.map) {
    const cell = inside ? cellAt(card, plot) : undefined;
    card.said.textContent = cell ? `${cell.row}, step ${count(cell.step)}: ${number(cell.value)}` : card.steps;
    return;
  }
  const x = inside ? plot.posToVal(left, "x") : undefined;
  card.at.textContent = inside ? `at ${card.panel.x ? number(x) : count(Math.round(x))}` : "last";
  for (const { element, curve } of card.cells) {
    const value = valueAt(curve, x);
    element.textContent = value === null ? "not finite" : number(value);
  }
}

/** Draw the colour bar below a map. */
function drawScale(card) {
  const { map } = card;
  const many = map.steps.length;
  card.steps = `${many} ${many === 1 ? "measurement" : "measurements"}, the last at step ${count(map.steps[many - 1])}`;
  card.said = make("div", "events muted", card.steps);
  card.parts.below.replaceChildren(colorBar(card.scale, map.values.flat().some((value) => !isNumber(value))), card.said);
}

/** Save the numbers of a card as a file. */
function save(card) {
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([csvOf(card)], { type: "text/csv" }));
  link.download = `${card.panel.title.replace(/[^\w]+/g, "_").toLowerCase()}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Return the numbers of a card as CSV: a column for x, and one for each curve, with its band. */
function csvOf({ curves, map, panel }) {
  const quoted = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const said = (value) => (isNumber(value) ? String(value) : quoted(String(value ?? "")));
  const lines = (rows) => rows.map((row) => row.map(said).join(",")).join("\n");
  if (map) return lines([["step", ...map.rows], ...map.steps.map((step, i) => [step, ...map.values[i]])]);
  const names = curves.flatMap(({ run, tag, low, high }) => {
    const name = `${run.name}: ${tag}`;
    return low && high ? [name, `${name} (max)`, `${name} (min)`] : [name];
  });
  const columns = columnsOf({ curves, log: false });
  return lines([[panel.x || panel.x_label, ...names], ...columns[0].map((_, i) => columns.map((column) => column[i]))]);
}
