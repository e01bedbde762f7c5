// The card of a panel: frame, plot, what the cursor reads, CSV.
import { button, colored, count, finding, kindsOf, lastOf, make, nameOf, number, prose, short, words, wrong } from "./words.js";
import { STEPS, canBeLog, columnsOf, curvesOf, dashOf, glyphOf, linesOf, marksOf, valueAt } from "./curves.js";
import { cellAt, colorBar, heightOf } from "./layers.js";

// What a card shows of a panel; none where no run has a curve.
export function curvesCards(page, panel) {
  const all = curvesOf(panel, page.runs);
  const axis = panel.x || panel.x_label || STEPS; // panels with the same share zoom and cursor
  const log = page.log && panel.log && canBeLog(all);
  return all.length ? [{ key: `${panel.title}\n${panel.series}`, panel, all, axis, log, height: 200 }] : [];
}

// What a card shows of the layers of a run.
export function layersCard(page, run, map) {
  const panel = { ...map, series: [map.name], events: [], lines: [] };
  const all = [{ run, tag: map.name, x: map.steps, y: map.steps.map(() => 0) }]; // for the cursor; it is not drawn
  const scale = page.scales.get(map.unit);
  return { key: `${run.name}\n${map.name}`, panel, all, axis: STEPS, map, scale, height: heightOf(map.rows.length) };
}

// Whether a verdict on a run is on what a card shows.
export const concerns = ({ panel, all }, { kind, series }, of) =>
  all.some(({ run }) => run.name === of.name) && (panel.kinds.includes(kind) || all.some(({ tag }) => tag === series));

export function newCard(page) {
  const parts = { title: make("h3"), under: make("div.under"), plot: make("div.plot"), below: make("div") };
  const card = { parts };
  const head = make("div.head", parts.title, button("CSV", () => save(card), "button.csv"));
  card.element = make("article", head, parts.under, parts.plot, parts.below);
  card.element.card = card;
  card.back = button("↑ verdict", () => {
    const block = [...page.parts.verdicts.children].find(({ verdict, of }) => concerns(card, verdict, { name: of }));
    block.open = true;
    block.scrollIntoView();
  }, "button.link");
  card.read = (plot) => read(card, plot);
  return card;
}

// Bring all of a card but its plot up to date.
export function refresh(card) {
  const { element, parts, panel, map } = card;
  const runs = [...new Set(card.curves.map(({ run }) => run))];
  const found = kindsOf(runs.flatMap((run) => wrong(run).filter((verdict) => concerns(card, verdict, run))));
  card.lines = linesOf(panel, card.curves);
  card.marks = marksOf(card, card.axis === STEPS ? runs : [], (verdict, run) => concerns(card, verdict, run));
  element.className = `card ${found[0]?.[0] ?? ""}`;
  element.dataset.panel = panel.title;
  const { run } = card.all[0];
  parts.title.replaceChildren(map ? nameOf(run, `${run.label}: ${panel.title}`) : panel.title);
  const axis = make("span.axis.muted", map ? "" : card.log ? "log axis" : "linear axis");
  const findings = found.map(finding);
  if (findings.length) findings.push(card.back);
  parts.under.replaceChildren(make("span.muted", `[${panel.unit || "1"}]`), axis, make("span", ...findings));
  parts.plot.style.minHeight = `${card.height}px`;
  card.said = make("div.said.muted");
  parts.below.replaceChildren(map ? colorBar(card.scale, map) : legendOf(card, runs), card.said);
  read(card, card.plot);
}

// The table of numbers below a plot: a row for each run, a column for each series.
function legendOf(card, runs) {
  const tags = [...new Map(card.all.map(({ rank, tag }) => [rank, tag]))].sort(([a], [b]) => a - b);
  const isDot = (rank) => card.all.every((curve) => curve.rank !== rank || curve.x.length === 1);
  const sample = (rank) => (isDot(rank) ? make("i.sample.ring") : sampleOf(rank));
  const headOf = ([rank, tag]) => Object.assign(make("th.number", sample(rank), short(lastOf(tag))), { title: tag });
  card.at = make("th");
  card.cells = [];
  const rows = runs.map((run) => {
    const cells = tags.map(([rank]) => {
      const element = make("td.number");
      const curve = card.curves.find((each) => each.run === run && each.rank === rank);
      if (curve) card.cells.push({ element, curve });
      return element;
    });
    return make("tr", make("th", nameOf(run, run.label)), ...cells);
  });
  const table = make("table", make("thead", make("tr", card.at, ...tags.map(headOf))), make("tbody", ...rows));
  return make(tags.length > 1 ? "div.legend" : "div.legend.one", table);
}

// A line with the dashes of a rank.
function sampleOf(rank) {
  let end = 0;
  const stops = dashOf(rank).map((long, i) => `${i % 2 ? "#0000" : "currentcolor"} ${end}px ${(end += long)}px`);
  return colored("i.sample", stops.length ? `repeating-linear-gradient(to right, ${stops})` : "currentcolor");
}

// Say below the plot what is at the cursor or last, and the newest event of each kind.
function read(card, plot) {
  const { map, panel, marks } = card;
  const at = plot?.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : undefined;
  if (map) {
    card.said.textContent = (at !== undefined && cellAt(card, plot)) || `last at step ${count(map.steps.at(-1))}`;
    return;
  }
  card.at.textContent = at === undefined ? "last" : `at ${panel.x ? number(at) : count(Math.round(at))}`;
  for (const { element, curve } of card.cells) {
    const value = valueAt(curve, at);
    element.textContent = value === null ? "not finite" : number(value);
  }
  const newest = new Map(marks.events.map((event) => [event.kind, event]));
  const said = ({ run, kind, step, text }) => `${glyphOf(kind)} ${words(kind)} at step ${count(step)} in ${run.label}: ${text}`;
  card.said.replaceChildren(...prose([...newest.values()].map(said).join("\n")));
}

function save(card) {
  const href = URL.createObjectURL(new Blob([csvOf(card)], { type: "text/csv" }));
  const download = `${card.panel.title.replace(/\W+/g, "_")}.csv`;
  Object.assign(make("a"), { href, download }).click();
}

// A column for x, and one for each curve with its band; or one for each layer.
function csvOf({ all, map, panel }) {
  const names = ({ run, tag, low, high }) => (low && high ? ["", " (max)", " (min)"] : [""]).map((of) => `${run.name}: ${tag}${of}`);
  const heads = map ? ["step", ...map.rows] : [panel.x || panel.x_label, ...all.flatMap(names)];
  const [xs, ...columns] = columnsOf({ all });
  const rows = xs.map((x, i) => [x, ...(map ? map.values[i] : columns.map((column) => column[i]))]);
  const cell = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return [heads, ...rows].map((row) => row.map(cell).join(",")).join("\n");
}
