// The heat map: a row for each layer, the first on top; a column for each measurement.
import { colored, count, isNumber, make, number, short } from "./words.js";
import { MOST_DECADES, frame } from "./curves.js";

const COLORS = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"]; // viridis
const GREY = "#8a8a8a"; // for what is not finite
const ROW = { name: 12, most: 60, all: 144, highest: 312 }; // heights

// The scales of colours, one for each unit, logarithmic where nothing is negative.
export function scalesOf(maps) {
  const scaleOf = (same) => {
    const all = same.flatMap(({ values }) => values.flat().filter(isNumber)).sort((a, b) => a - b);
    const [low = 0, high = 1] = [all[0], all.at(-1)];
    if (low < 0 || high <= 0) return { low, high, log: false };
    return { low: Math.max(all.find((value) => value > 0) ?? 0.1, high / 10 ** MOST_DECADES), high, log: true };
  };
  return new Map([...Map.groupBy(maps, ({ unit }) => unit)].map(([unit, same]) => [unit, scaleOf(same)]));
}

function colorOf(value, { low, high, log }) {
  if (!isNumber(value)) return GREY;
  const [from, to, at] = [low, high, Math.max(value, low)].map(log ? Math.log : Number);
  const place = to > from ? ((at - from) / (to - from)) * (COLORS.length - 1) : 0;
  const i = Math.min(Math.floor(place), COLORS.length - 2);
  return `color-mix(in srgb, ${COLORS[i]}, ${COLORS[i + 1]} ${100 * (place - i)}%)`;
}

export const heightOf = (rows) =>
  Math.max(Math.min(ROW.most * rows, ROW.all), Math.min(ROW.name * rows, ROW.highest)) + 56;

// The options of a plot, so that cursor and zoom are those of the curves.
export function layerOptions(page, card) {
  const options = frame(page, card);
  options.series = [{}, { stroke: "transparent", points: { show: false } }];
  options.scales.y = { range: [0, card.map.rows.length] };
  options.axes[0].grid = { show: false };
  options.axes.push({ size: 110, splits: () => [] });
  options.hooks.draw = [(plot) => drawCells(card, plot), (plot) => placeNames(card.map, plot)];
  return options;
}

// Put the names beside their rows; of low rows some go without.
function placeNames({ rows }, plot) {
  const row = plot.over.clientHeight / rows.length;
  const every = Math.ceil(ROW.name / row - 0.1);
  const named = rows.map((name, i) => {
    const element = short(`${i + 1} ${name}`); // by which the same layers of two models are found
    element.style.top = `${plot.over.offsetTop + (i + 0.5) * row}px`;
    return element;
  });
  plot.root.querySelector(".rows")?.remove();
  plot.root.append(make("div.rows", ...named.filter((_, i) => i % every === 0)));
}

function drawCells({ map, scale }, plot) {
  const { left, top, width, height } = plot.bbox;
  const edges = edgesOf(map.steps).map((step) => Math.round(plot.valToPos(step, "x", true)));
  const edge = (row) => Math.round(top + (row * height) / map.rows.length);
  plot.ctx.save();
  plot.ctx.clip(new Path2D(`M${left} ${top}h${width}v${height}h${-width}z`));
  map.values.forEach((column, i) => {
    column.forEach((value, row) => {
      plot.ctx.fillStyle = colorOf(value, scale);
      plot.ctx.fillRect(edges[i], edge(row), Math.max(edges[i + 1] - edges[i], 3), edge(row + 1) - edge(row));
    });
  });
  plot.ctx.restore();
}

// The steps where the columns meet: half way from one to the next.
function edgesOf(steps) {
  const [first, last] = [steps[0], steps.at(-1)];
  const middles = steps.slice(1).map((step, i) => (step + steps[i]) / 2);
  if (!middles.length) return [first - 0.5, first + 0.5];
  return [2 * first - middles[0], ...middles, 2 * last - middles.at(-1)];
}

// What the cell at the cursor says.
export function cellAt({ map }, plot) {
  const i = edgesOf(map.steps).findLastIndex((edge) => edge <= plot.posToVal(plot.cursor.left, "x"));
  const j = Math.floor((plot.cursor.top / plot.over.clientHeight) * map.rows.length);
  const value = map.values[i]?.[j];
  return value === undefined ? "" : `${map.rows[j]}, step ${count(map.steps[i])}: ${number(value)}`;
}

export function colorBar({ low, high, log }, { values }) {
  const bar = colored("span.bar", `linear-gradient(90deg, ${COLORS})`);
  const about = make("span.muted", `one ${log ? "log " : ""}scale for all runs`);
  const gaps = values.flat().every(isNumber) ? [] : [colored("span.dot", GREY), "NaN"];
  return make("div.scale", number(low), bar, number(high), about, ...gaps);
}
