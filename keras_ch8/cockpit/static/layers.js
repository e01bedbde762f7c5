// The heat map of the flow through the layers: a row for each, the first on top, and a column for each measurement.
import uPlot from "./vendor/uPlot.js";
import { isNumber, make, number, short } from "./words.js";
import { MOST_DECADES, frame, xAxis } from "./curves.js";

const COLORS = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"]; // viridis
const GREY = "#8a8a8a"; // for what is not finite
const SHORTEST = 3; // pixels of a column
const ROW = { name: 12, most: 60, all: 144, highest: 312 }; // heights: of a row with its name, of a row, of all rows

/** Return the colour scales of all maps, by unit: all runs and maps of one unit share one. */
export function scalesOf(maps) {
  const scales = new Map();
  for (const { unit, values } of maps) {
    const scale = scales.get(unit) ?? { low: Infinity, high: -Infinity, least: Infinity };
    for (const value of values.flat().filter(isNumber)) {
      scale.low = Math.min(scale.low, value);
      scale.high = Math.max(scale.high, value);
      if (value > 0) scale.least = Math.min(scale.least, value);
    }
    scales.set(unit, scale);
  }
  return new Map([...scales].map(([unit, scale]) => [unit, finished(scale)]));
}

/** Return a scale with its ends: logarithmic where nothing is negative. */
function finished({ low, high, least }) {
  if (low > high) return { low: 0, high: 1, log: false };
  const log = low >= 0 && high > 0;
  return { low: log ? Math.max(least, high / 10 ** MOST_DECADES) : low, high, log };
}

/** Return the colour of a value on a scale. */
export function colorOf(value, { low, high, log }) {
  if (!isNumber(value)) return GREY;
  const [from, to, at] = log ? [Math.log(low), Math.log(high), Math.log(Math.max(value, low))] : [low, high, value];
  const place = to > from ? Math.min(1, Math.max(0, (at - from) / (to - from))) * (COLORS.length - 1) : 0;
  const i = Math.min(Math.floor(place), COLORS.length - 2);
  const mixed = [1, 3, 5].map((digit) => {
    const [a, b] = [COLORS[i], COLORS[i + 1]].map((color) => parseInt(color.slice(digit, digit + 2), 16));
    return Math.round(a + (b - a) * (place - i));
  });
  return `rgb(${mixed.join(",")})`;
}

/** Return the height of the whole plot for a number of rows. */
export function heightOf(rows) {
  return Math.max(Math.min(ROW.most * rows, ROW.all), Math.min(ROW.name * rows, ROW.highest)) + 56;
}

/** Return a plot of a map, drawn into an element: an ordinary one, so that cursor and zoom are those of the curves. */
export function plotLayers(page, card, element) {
  const { map } = card;
  const options = {
    ...frame(page, card, element),
    series: [{}, { show: true, stroke: "transparent", points: { show: false } }],
    scales: { x: { time: false }, y: { range: [0, map.rows.length] } },
    axes: [{ ...xAxis(page, card), grid: { show: false } }, { size: 96, splits: () => [], grid: { show: false } }],
  };
  options.hooks.drawAxes = [(plot) => drawCells(card, plot)];
  options.hooks.ready = [(plot) => plot.root.append(make("div", "rows"))];
  options.hooks.drawClear = [(plot) => placeNames(map, plot)];
  return new uPlot(options, layerColumns(map), element);
}

/** Return a map as uPlot wants it: the steps, for the cursor, and a line that is not drawn. */
export const layerColumns = (map) => [map.steps, map.steps.map(() => 0)];

/** Put the names beside their rows; where rows are too low for one, some go without. */
function placeNames(map, plot) {
  const names = plot.root.querySelector(".rows");
  if (!names) return;
  const { top, height } = plot.bbox;
  const row = height / uPlot.pxRatio / map.rows.length;
  const every = Math.ceil(ROW.name / row);
  const shown = map.rows.map((name, i) => (i % every ? undefined : short("span", "", name)));
  names.style.top = `${top / uPlot.pxRatio}px`;
  shown.forEach((name, i) => {
    if (name) name.style.top = `${(i + 0.5) * row}px`;
  });
  names.replaceChildren(...shown.filter(Boolean));
}

function drawCells({ map, scale }, plot) {
  const { left, top, width, height } = plot.bbox;
  const edges = edgesOf(map.steps).map((step) => Math.round(plot.valToPos(step, "x", true)));
  const row = height / map.rows.length;
  const { ctx } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  map.values.forEach((column, i) => {
    const wide = Math.max(edges[i + 1] - edges[i], SHORTEST * uPlot.pxRatio);
    column.forEach((value, j) => {
      ctx.fillStyle = colorOf(value, scale);
      const y = Math.round(top + j * row);
      ctx.fillRect(edges[i], y, wide, Math.round(top + (j + 1) * row) - y);
    });
  });
  ctx.restore();
}

/** Return the steps between which each measurement is drawn: half way to its neighbours. */
function edgesOf(steps) {
  const middles = steps.slice(1).map((step, i) => (step + steps[i]) / 2);
  const [first, last] = [steps[0], steps[steps.length - 1]];
  const start = middles.length ? 2 * first - middles[0] : first - 0.5;
  const end = middles.length ? 2 * last - middles[middles.length - 1] : last + 0.5;
  return [start, ...middles, end];
}

/** Return what a map says at a place of the cursor: the layer, the step of the measurement, and the value. */
export function cellAt({ map }, plot) {
  const { left, top } = plot.cursor;
  if (!(left >= 0)) return undefined;
  const step = plot.posToVal(left, "x");
  const i = edgesOf(map.steps).findLastIndex((edge) => edge <= step);
  if (i < 0 || i >= map.steps.length) return undefined;
  const j = Math.floor((top / plot.over.clientHeight) * map.rows.length);
  return { row: map.rows[j], step: map.steps[i], value: map.values[i][j] };
}

/** Return the colour bar of a scale, with the numbers at its ends. */
export function colorBar({ low, high, log }, hasGaps) {
  const bar = make("span", "bar");
  bar.style.background = `linear-gradient(to right, ${COLORS.join(",")})`;
  const grey = make("span", "bar grey");
  grey.style.background = GREY;
  const about = make("span", "muted", log ? "one log scale for all runs" : "one scale for all runs");
  return make("div", "scale", number(low), bar, number(high), about, ...(hasGaps ? [grey, "not finite"] : []));
}
