// The curves of a panel: which they are, how their axes go, and what is marked on them. uPlot draws them.
import uPlot from "./vendor/uPlot.js";
import { count, isNumber, labels, number, words } from "./words.js";
import { wrong } from "./head.js";

export const STEPS = "batches trained on"; // the x axis of nearly all panels
export const HEIGHT = 200;
export const MOST_DECADES = 12; // of a logarithmic axis
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [12, 5], [4, 2, 1, 2]]; // one for each series of a panel
const MOST_DOTS = 40; // a curve of at most so many points shows each
const GLYPHS = { clip: "▾", spike: "▴", nonfinite: "✕", stop: "■", restore: "◂", rate: "▿", stage: "◆", optimizer: "●" };

/** Return the curves of a panel in all runs: {run, tag, rank, x, y, low, high}, where `rank` tells the series apart. */
export function curvesOf(panel, runs) {
  const names = new Set(runs.flatMap((run) => Object.keys(run.series)));
  const tags = [...new Set(panel.series.flatMap((pattern) => matches(pattern, names)))];
  const curves = runs.flatMap((run) => tags.map((tag, rank) => curveOf(panel, run, tag, rank)));
  return curves.filter((curve) => curve?.y.some(isNumber));
}

function matches(pattern, names) {
  if (!pattern.includes("*")) return names.has(pattern) ? [pattern] : [];
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`, "s");
  return [...names].filter((name) => expression.test(name)).sort();
}

function curveOf(panel, run, tag, rank) {
  const series = run.series[tag];
  if (!series) return undefined;
  const curve = { run, tag, rank, x: series.steps, y: series.values, low: series.low, high: series.high };
  return panel.x ? over(curve, run.series[panel.x]) : curve;
}

/** Return a curve over the values that another series has at the same steps, instead of over the steps. */
function over(curve, series) {
  const at = new Map(series?.steps.map((step, i) => [step, series.values[i]]));
  const kept = curve.x.map((step, i) => [at.get(step), i]).filter(([x]) => isNumber(x));
  const order = [...new Map(kept).entries()].sort(([a], [b]) => a - b);
  const pick = (values) => values && order.map(([, i]) => values[i]);
  return { ...curve, x: order.map(([x]) => x), y: pick(curve.y), low: pick(curve.low), high: pick(curve.high) };
}

/** Return the series of a panel, in the order in which they are told apart. */
export function tagsOf(curves) {
  const tags = new Map(curves.map((curve) => [curve.rank, curve.tag]));
  return [...tags.entries()].sort(([a], [b]) => a - b);
}

/** Return the dashes of the series of a rank; the first is a whole line. */
export const dashOf = (rank) => DASHES[rank % DASHES.length];

/** Return whether the y axis of curves can be logarithmic: nothing is negative, and hardly anything is zero. */
export function canBeLog(curves) {
  let positive = 0;
  let zero = 0;
  for (const { y } of curves) {
    for (const value of y) {
      if (value < 0) return false;
      if (value > 0) positive++;
      else if (value === 0) zero++;
    }
  }
  return positive > 9 * zero;
}

/** Return the value of a curve that is the newest at x, or undefined where the curve is not; the last one without x. */
export function valueAt({ x, y }, at = x[x.length - 1]) {
  if (!x.length || at < x[0] || at > x[x.length - 1]) return undefined;
  let first = 0;
  let last = x.length - 1;
  while (first < last) {
    const middle = Math.ceil((first + last) / 2);
    if (x[middle] <= at) first = middle;
    else last = middle - 1;
  }
  return y[first];
}

/** Return the curves as uPlot wants them: one column for x, and up to three for each curve. */
export function columnsOf({ curves, log }) {
  const positive = (values) => (log ? values.map((value) => (value > 0 ? value : null)) : values);
  const lowest = (values, y) => (log ? values.map((value, i) => (value > 0 ? value : lift(y[i]))) : values);
  const tables = curves.map(({ x, y, low, high }) => {
    const band = low && high ? [positive(high), lowest(low, y)] : [];
    return [x, positive(y), ...band];
  });
  return uPlot.join(tables);
}

/** Return where the lower edge of a band is drawn on a logarithmic axis, if it is zero. */
const lift = (value) => (value > 0 ? value * 1e-6 : null);

/** Return a plot of a card, drawn into an element. */
export function plotCurves(page, card, element) {
  const series = [{}];
  const bands = [];
  for (const curve of card.curves) {
    const stroke = () => page.ink(curve.run.color);
    const dots = { show: curve.x.length <= MOST_DOTS, size: 4.5, width: 1.2, stroke, fill: () => page.ink("var(--card)") };
    const common = { label: curve.run.name, curve, points: { show: false }, show: !page.hidden.has(curve.run.name) };
    const value = { ...common, stroke, width: 1.5, dash: dashOf(curve.rank), points: dots };
    series.push(value);
    if (!curve.low || !curve.high) continue;
    const faint = (alpha) => () => page.ink(`color-mix(in srgb, ${curve.run.color} ${alpha}%, transparent)`);
    bands.push({ series: [series.length, series.length + 1], fill: faint(18) });
    series.push({ ...common, stroke: faint(55), width: 1 }, { ...common, auto: !card.log, stroke: faint(0) });
  }
  const y = { distr: card.log ? 3 : 1, range: (_, low, high) => (card.log ? logRange : range)(low, high, card.lines) };
  const yAxis = { ...axis(page), size: 52, gap: 4, filter: (_, numbers) => numbers, splits: (_, __, low, high) => ticks(low, high, card.log) };
  const options = {
    ...frame(page, card, element),
    series,
    bands,
    scales: { x: { time: false }, y },
    axes: [xAxis(page, card), { ...yAxis, values: (_, numbers) => labels(numbers) }],
  };
  options.hooks.draw = [(plot) => drawLines(page, card, plot), (plot) => drawMarks(page, card, plot)];
  return new uPlot(options, columnsOf(card), element);
}

/** Return what all plots have in common: the size, the shared cursor, and a drag that zooms. */
export function frame(page, card, element) {
  const moves = (type) => type.startsWith("mouse") && !["mousedown", "mouseup"].includes(type);
  const zoom = (plot) => {
    const { left, width } = plot.select;
    if (width < 4) return;
    page.zoomTo(card.axis, [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  };
  return {
    width: element.clientWidth,
    height: card.height ?? HEIGHT,
    padding: [12, 14, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => () => page.zoomTo(card.axis, undefined) },
      sync: { key: `${page.id} ${card.axis}`, scales: ["x", null], filters: { pub: moves, sub: () => card.visible } },
    },
    hooks: { setSelect: [zoom], setCursor: [(plot) => card.read(plot)] },
  };
}

/** Return the x axis of a card: whole numbers where it counts. */
export function xAxis(page, card) {
  const counts = [1, 2, 5].flatMap((digit) => [...Array(10).keys()].map((power) => digit * 10 ** power));
  const whole = { incrs: counts.sort((a, b) => a - b), values: (_, numbers) => numbers.map(count) };
  const label = { label: card.panel.x_label || STEPS, labelSize: 18, labelGap: 0, labelFont: "11px system-ui" };
  return { ...axis(page), ...(card.panel.x ? {} : whole), ...label, size: 26, gap: 3, space: 64 };
}

/** Return the looks of an axis. */
export function axis(page) {
  const line = { stroke: () => page.ink("var(--line)"), width: 1 };
  return { stroke: () => page.ink("var(--muted)"), font: "11px system-ui", grid: line, ticks: { ...line, size: 4 } };
}

/** Return the largest of 1, 2 and 5 times a power of ten that is not above x. */
export function roundDown(x) {
  const power = 10 ** Math.floor(Math.log10(x) + 1e-9);
  return [5, 2, 1].find((digit) => digit * power <= x * (1 + 1e-9)) * power;
}

/** Return the smallest of 1, 2 and 5 times a power of ten that is not below x. */
export function roundUp(x) {
  const power = 10 ** Math.floor(Math.log10(x) - 1e-9);
  return [1, 2, 5, 10].find((digit) => digit * power >= x * (1 - 1e-9)) * power;
}

/** Return the ends of a linear axis, with the reference lines that are near enough to what is drawn. */
function range(low, high, lines) {
  if (!isNumber(low) || !isNumber(high)) return [0, 1];
  if (low === high) [low, high] = [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  for (const { value } of lines) {
    const [down, up] = [Math.min(low, value), Math.max(high, value)];
    if (up - down <= 2 * (high - low)) [low, high] = [down, up];
  }
  const space = 0.06 * (high - low);
  return [low >= 0 && low < space ? 0 : low - space, high + space];
}

/** The same of a logarithmic axis: on round numbers, and of a length that can be drawn. */
function logRange(low, high, lines) {
  if (!(high > 0)) return [0.1, 10];
  if (!(low > 0)) low = high / 10;
  for (const { value } of lines) {
    const [down, up] = [Math.min(low, value), Math.max(high, value)];
    if (down > 0 && Math.log(up / down) <= Math.max(2 * Math.log(high / low), 2)) [low, high] = [down, up];
  }
  low = Math.max(low, high / 10 ** MOST_DECADES);
  if (high / low < 3) {
    const space = Math.max((high / low) ** 0.1, 1.02);
    return [low / space, high * space];
  }
  [low, high] = [roundDown(low), roundUp(high)];
  return [Math.max(low, high / 10 ** MOST_DECADES), high];
}

/** Return the numbers that stand at a y axis. */
export function ticks(low, high, log) {
  const decades = log ? Math.log10(high / low) : 0;
  if (decades < 0.5) return linearTicks(low, high);
  const digits = decades < 1.1 ? [1, 2, 5] : decades < 2.2 ? [1, 3] : [1];
  const every = Math.ceil(decades / 6);
  const found = [];
  for (let power = Math.floor(Math.log10(low) - 1e-9); power <= Math.log10(high) + 1e-9; power++) {
    if (power % every === 0) found.push(...digits.map((digit) => Number(`${digit}e${power}`)));
  }
  return found.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
}

function linearTicks(low, high) {
  const step = roundUp((high - low) / 5);
  const first = Math.ceil(low / step);
  const found = [];
  for (let i = first; i * step <= high && found.length < 20; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Return the reference lines of a panel in the runs that are shown: {value, label, color}; equal ones once. */
export function linesOf(panel, curves, hidden) {
  const shown = curves.filter((curve) => !hidden.has(curve.run.name));
  const runs = [...new Set(shown.map((curve) => curve.run))];
  const found = panel.lines.flatMap(({ value, label }) => {
    if (typeof value !== "string") return [{ value, label }];
    return runs.map((run) => ({ value: run.record?.hyperparameters?.[value], label, run }));
  });
  for (const { run, tag } of shown) {
    for (const { value, label } of run.record?.lines?.[tag] ?? []) found.push({ value, label, level: label });
  }
  const lines = new Map();
  for (const line of found.filter(({ value }) => isNumber(value))) {
    const key = `${line.value} ${line.label}`;
    if (lines.has(key)) lines.get(key).run = undefined; // of several runs, so of no run's colour
    else lines.set(key, { ...line });
  }
  return [...lines.values()].map((line) => ({ ...line, color: colorOfLine(line) }));
}

function colorOfLine({ level, run }) {
  return level === "act" || level === "watch" ? `var(--${level})` : (run?.color ?? "var(--text)");
}

/** Draw the reference lines; where one is above or below what is shown, its label says so at the edge. */
function drawLines(page, card, plot) {
  const { left, top, width, height } = plot.bbox;
  const placed = []; // the labels so far: one beside the other where the lines are close
  paint(plot, (ctx, ratio) => {
    for (const { value, label, color } of card.lines) {
      const { min, max } = plot.scales.y;
      const arrow = value > max ? " ↑" : value < min ? " ↓" : "";
      const y = arrow ? (value > max ? top : top + height) : plot.valToPos(value, "y", true);
      ctx.strokeStyle = ctx.fillStyle = page.ink(color);
      if (!arrow) {
        ctx.setLineDash([5 * ratio, 4 * ratio]);
        stroke(ctx, [left, y], [left + width, y]);
      }
      const text = arrow ? `${label} (${number(value)})${arrow}` : label;
      const below = value > max || y < top + 14 * ratio;
      const base = y + (below ? 12 : -4) * ratio;
      const near = placed.filter((other) => Math.abs(other.base - base) < 12 * ratio).map((other) => other.start);
      const start = Math.min(left + width, ...near) - ctx.measureText(text).width - 6 * ratio;
      placed.push({ base, start });
      write(page, ctx, text, start, base);
    }
  });
}

/** Return what is marked along the steps of a card: verdicts where they rose, and events. */
export function marksOf(card, hidden) {
  if (card.axis !== STEPS) return { rose: [], events: [] };
  const runs = card.runs.filter((run) => !hidden.has(run.name));
  const rose = runs.flatMap((run) => wrong(run).filter((v) => card.concerns(v)).map((verdict) => ({ run, verdict })));
  const kinds = new Set(card.panel.events);
  const events = runs.flatMap((run) =>
    (run.record?.events ?? []).filter((event) => kinds.has(event.kind)).map((event) => ({ run, ...event })),
  );
  return { rose, events };
}

/** Return the mark of a kind of event. */
export const glyph = (kind) => GLYPHS[kind] ?? "○";

/** Draw a vertical line where each verdict rose, with its kind, and the events along the lower edge. */
export function drawMarks(page, card, plot) {
  const { left, top, width, height } = plot.bbox;
  const inside = (x) => x >= left - 1 && x <= left + width + 1;
  const ends = []; // of the texts in each row
  paint(plot, (ctx, ratio) => {
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    const rose = card.marks.rose.map((mark) => ({ ...mark, x: plot.valToPos(mark.verdict.step, "x", true) }));
    for (const { run, verdict, x } of rose.filter((mark) => inside(mark.x)).sort((a, b) => a.x - b.x)) {
      ctx.strokeStyle = ctx.fillStyle = page.ink(run.color);
      stroke(ctx, [x, top], [x, top + height]);
      const text = words(verdict.kind);
      const long = ctx.measureText(text).width + 8 * ratio;
      const start = Math.min(x, left + width - long);
      const free = ends.findIndex((end) => end <= start);
      const row = free < 0 ? ends.length : free;
      ends[row] = start + long;
      if (row < 4) write(page, ctx, text, start + 4 * ratio, top + (11 + 12 * row) * ratio);
    }
    const above = new Map(); // how many marks there are at a place
    for (const { run, kind, step } of card.marks.events) {
      const x = Math.round(plot.valToPos(step, "x", true));
      if (!inside(x)) continue;
      above.set(x, (above.get(x) ?? 0) + 1);
      ctx.fillStyle = page.ink(run.color);
      write(page, ctx, glyph(kind), x - ctx.measureText(glyph(kind)).width / 2, top + height + (8 - 11 * above.get(x)) * ratio);
    }
  });
}

/** Draw on the canvas of a plot, and leave its settings as they were; `ratio` is the pixels of the screen in one. */
function paint(plot, draw) {
  const ratio = uPlot.pxRatio;
  plot.ctx.save();
  plot.ctx.font = `${11 * ratio}px system-ui`;
  plot.ctx.lineWidth = ratio;
  plot.ctx.textAlign = "left";
  plot.ctx.textBaseline = "alphabetic";
  draw(plot.ctx, ratio);
  plot.ctx.restore();
}

function stroke(ctx, from, to) {
  ctx.beginPath();
  ctx.moveTo(...from);
  ctx.lineTo(...to);
  ctx.stroke();
}

/** Write text that stays readable over curves. */
function write(page, ctx, text, x, y) {
  ctx.save();
  ctx.setLineDash([]);
  ctx.strokeStyle = page.ink("var(--card)");
  ctx.lineWidth *= 3;
  ctx.lineJoin = "round";
  ctx.strokeText(text, x, y);
  ctx.restore();
  ctx.fillText(text, x, y);
}
