// The card of a panel: frame, plot, what the cursor reads, CSV.
import { button, colored, count, finding, isNumber, lastOf, make, nameOf, number, prose, short, titlesOf, words, wrong } from "./words.js";
import { STEPS, canBeLog, columnsOf, curvesOf, dashOf, glyphOf, limitsOf, linesOf, marksOf, outlyingOf, valueAt } from "./curves.js";
import { cellAt, colorBar, heightOf } from "./layers.js";

const TOLD = 6; // curves that the text of a chart names
const OF_MAP = "A row for each layer, the first on top; the brighter, the larger.";

// What the cards of a panel show: curves of all runs in one, or the layers of each run in its own.
export function cardsOf(page, panel) {
  if (!panel.map) return curvesCards(page, panel);
  const maps = page.runs.flatMap((run) => (run.record?.layers ?? []).map((map) => ({ run, map })));
  const here = maps.filter(({ map }) => panel.series.includes(map.name) && map.steps.length);
  return here.map(({ run, map }) => layersCard(page, run, map, panel));
}

function curvesCards(page, panel) {
  const all = curvesOf(panel, page.runs);
  const axis = STEPS; // panels with the same share zoom and cursor
  const log = page.log && panel.log && canBeLog(all);
  const outlying = page.log && !log ? outlyingOf(all) : 0;
  return all.length ? [{ key: `${panel.title}\n${panel.series}`, panel, all, axis, log, outlying, height: 200 }] : [];
}

function layersCard(page, run, map, panel) {
  const all = [{ run, tag: map.name, x: map.steps, y: map.steps.map(() => 0) }]; // for the cursor; it is not drawn
  const scale = page.scales.get(map.unit);
  return { key: `${run.name}\n${map.name}`, panel, all, axis: STEPS, map, scale, height: heightOf(map.rows.length) };
}

// Whether one of some verdicts, each on a run, is on what a card shows.
export const concerns = ({ panel, all }, members) =>
  members?.some(({ run: { name }, verdict: { kind, series } }) => {
    return all.some(({ run }) => run.name === name) && (panel.kinds.includes(kind) || all.some(({ tag }) => tag === series));
  });

export function newCard(page) {
  const parts = { title: make("h3"), under: make("div.under"), read: make("p.read.muted"), plot: make("div.plot"), below: make("div") };
  const card = { parts, page };
  const head = make("div.head", parts.title, button("CSV", () => save(card), "button.csv"));
  parts.plot.role = "img";
  card.element = make("article", head, parts.under, parts.read, parts.plot, parts.below);
  card.element.card = card;
  card.back = button("↑ verdict", () => {
    const { main, verdicts } = page.parts;
    const block = [...main.children, ...verdicts.children].find(({ members }) => concerns(card, members));
    block.open = true;
    block.scrollIntoView();
  });
  card.read = (plot) => read(card, plot);
  return card;
}

// Bring all of a card but its plot up to date.
export function refresh(card) {
  const { element, parts, panel, map, page } = card;
  const runs = [...new Set(card.curves.map(({ run }) => run))];
  const of = (run) => wrong(run).filter((verdict) => concerns(card, [{ run, verdict }]));
  const found = titlesOf(runs.flatMap((run) => of(run).map((one) => ({ ...one, of: page.runs.length > 1 && run.label }))));
  card.lines = linesOf(panel, card.curves);
  card.limits = limitsOf(card.curves);
  card.marks = marksOf(card, card.axis === STEPS ? runs : [], of);
  const isCalm = panel.part === "loss" && page.document.headline.level === "ok"; // the best run is well
  element.className = `card ${(!isCalm && found[0]?.[0]) || ""}`;
  element.dataset.panel = panel.title;
  const { run, tag } = card.all[0];
  parts.title.replaceChildren(...(map ? [nameOf(run, run.label), ": "] : []), panel.title);
  const unit = /^(ratio|as )/.test(panel.unit) ? "" : `[${panel.unit}] `;
  const axis = unit + (card.log ? "log axis" : card.outlying ? "axis wide at its ends" : "");
  const findings = found.map(finding);
  if (findings.length) findings.push(card.back);
  parts.under.replaceChildren(make("span.axis.muted", axis), make("span", ...findings));
  parts.read.replaceChildren(...prose(map ? OF_MAP : panel.read || run.tags[tag]?.text || ""));
  parts.plot.style.minHeight = `${card.height}px`;
  parts.plot.ariaLabel = altOf(card);
  card.said = make("div.said.muted");
  parts.below.replaceChildren(map ? colorBar(card.scale, map) : legendOf(card, runs), card.said);
  read(card, card.plot);
}

// What a chart shows, in words.
function altOf({ panel, map, curves, all }) {
  if (map) return `${panel.title} of ${all[0].run.label}: ${map.rows.length} rows, ${map.steps.length} columns`;
  const ends = ({ run, tag, y }) => `${lastOf(tag)} of ${run.label}: ${number(y.find(isNumber))} to ${number(y.at(-1) ?? "NaN")}`;
  const more = curves.length > TOLD ? [`and ${curves.length - TOLD} more`] : [];
  return `${panel.title}. ${[...curves.slice(0, TOLD).map(ends), ...more].join("; ")}`;
}

// The table of numbers below a plot: a row for each run, a column for each series.
function legendOf(card, runs) {
  const tags = [...new Map(card.all.map(({ rank, tag }) => [rank, tag]))].sort(([a], [b]) => a - b);
  const headOf = ([rank, tag]) => Object.assign(make("th.number", sampleOf(rank), short(lastOf(tag))), { title: tag });
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
  return colored("i.sample", stops.length ? `repeating-linear-gradient(90deg, ${stops})` : "currentcolor");
}

// Say below the plot what is at the cursor or last, and the newest event of each kind.
function read(card, plot) {
  const { map, marks, page } = card;
  const at = plot?.cursor.left >= 0 ? plot.posToVal(plot.cursor.left, "x") : undefined;
  if (map) {
    card.said.textContent = (at !== undefined && cellAt(card, plot)) || `last at step ${count(map.steps.at(-1))}`;
    return;
  }
  card.at.textContent = at === undefined ? "last" : `at ${count(Math.round(at))}`;
  for (const { element, curve } of card.cells) {
    const value = valueAt(curve, at);
    element.textContent = value === null ? "NaN" : number(value);
  }
  const newest = new Map(marks.events.map((event) => [event.kind, event]));
  const lines = card.lines.map(({ value, label }) => `┈ ${number(value)}: ${label}`);
  const of = ({ label }) => (page.runs.length > 1 ? ` in “${label}”` : "");
  const rose = marks.rose.slice(0, TOLD).map(({ run, title, step }) => `┊ ${title} found at step ${count(step)}${of(run)}`);
  const told = ({ run, kind, step, text }) => `${glyphOf(kind)} ${page.document.titles[kind] ?? words(kind)} at step ${count(step)}${of(run)}: ${text}`;
  card.said.replaceChildren(...prose([...lines, ...rose, ...[...newest.values()].map(told)].join("\n")));
}

function save(card) {
  const href = URL.createObjectURL(new Blob([csvOf(card)], { type: "text/csv" }));
  const download = `${card.panel.title.replace(/\W+/g, "_")}.csv`;
  Object.assign(make("a"), { href, download }).click();
}

// A column for x, and one for each curve with its band; or one for each layer.
function csvOf({ all, map, panel }) {
  const names = ({ run, tag, low, high }) => (low && high ? ["", " (max)", " (min)"] : [""]).map((of) => `${run.name}: ${tag}${of}`);
  const heads = map ? ["step", ...map.rows] : [STEPS, ...all.flatMap(names)];
  const [xs, ...columns] = columnsOf({ all });
  const rows = xs.map((x, i) => [x, ...(map ? map.values[i] : columns.map((column) => column[i]))]);
  const cell = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return [heads, ...rows].map((row) => row.map(cell).join(",")).join("\n");
}
