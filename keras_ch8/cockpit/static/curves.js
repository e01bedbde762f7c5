// The curves of a panel, their axes, and what is marked on them. uPlot draws them.
import uPlot from "./vendor/uPlot.js";
import { count, isNumber, number } from "./words.js";

export const STEPS = "batches trained on"; // the x axis of all panels
export const MOST_DECADES = 12; // of a log axis
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [12, 5], [4, 2, 1, 2]]; // one for each series of a panel
const MOST_DOTS = 40; // a curve of at most so many points shows each
const MARGIN = 78; // pixels on the right, for the labels of limits
const APART = 12; // pixels between two labels, or two marks
const FAR = 20; // times what 9 of 10 values are, from which the others would hide them
const STARRED = "epoch/val_loss"; // the curve whose best point has a star
const GLYPHS = { clip: "▾", spike: "▴", nonfinite: "✕", stop: "■", restore: "◂", rate: "▿", stage: "◆", optimizer: "●" };

// The curves of a panel in all runs: {run, tag, rank, x, y, low, high}; `rank` tells the series apart.
export function curvesOf(panel, runs) {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.series)))].sort();
  const tags = [...new Set(panel.series.flatMap((pattern) => names.filter(matching(pattern))))];
  const curves = runs.flatMap((run) => tags.map((tag, rank) => run.series[tag] && curveOf(run, tag, rank)));
  return curves.filter((curve) => curve?.y.some(isNumber));
}

// `*` stands for any text.
function matching(pattern) {
  const plain = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  const expression = new RegExp(`^${plain.replaceAll("*", ".*")}$`, "s");
  return (name) => expression.test(name);
}

function curveOf(run, tag, rank) {
  const { steps, values, low, high } = run.series[tag];
  return { run, tag, rank, x: steps, y: values, low, high };
}

export const dashOf = (rank) => DASHES[rank % DASHES.length];

export const glyphOf = (kind) => GLYPHS[kind] ?? "○";

// Whether the y axis can be logarithmic: nothing is negative, and hardly anything zero.
export function canBeLog(curves) {
  const values = curves.flatMap(({ y }) => y.filter(isNumber));
  const positive = values.filter((value) => value > 0).length;
  return !values.some((value) => value < 0) && positive > 0.9 * values.length;
}

// From which size on an axis that is not logarithmic grows narrow, a power of 10; 0 where no value lies far beyond the others.
export function outlyingOf(curves) {
  const sizes = curves.flatMap(({ y }) => y.filter(isNumber)).map(Math.abs).sort((a, b) => a - b);
  const usual = sizes[Math.floor(0.9 * (sizes.length - 1))];
  return usual > 0 && sizes.at(-1) > FAR * usual ? 10 ** Math.ceil(Math.log10(usual)) : 0;
}

// The newest value of a curve at x, if it is there, or its last.
export function valueAt({ x, y }, at = x.at(-1)) {
  return at > x.at(-1) ? undefined : y[x.findLastIndex((each) => each <= at)];
}

// The columns for uPlot: x, each curve, and the two of its band, whose lower edge is far below where a logarithmic axis
// has no place for it.
export function columnsOf({ all, log }) {
  const positive = (values, edge) => (log ? values.map((v, i) => (v > 0 ? v : (edge?.[i] ?? 0) * 1e-6 || null)) : values);
  const band = ({ y, low, high }) => (low && high ? [positive(high), positive(low, y)] : []);
  return uPlot.join(all.map((curve) => [curve.x, positive(curve.y), ...band(curve)]));
}

// The colour of a run; one is faint beside those that are pointed at and, of many runs, beside the best.
function inkOf(page, { name, color }, percent = 100) {
  const isFaint = page.stressed ? !page.stressed.includes(name) : page.document.faint.includes(name);
  return page.ink(`color-mix(in srgb, ${color} ${isFaint ? 12 : percent}%, #0000)`);
}

export function curveOptions(page, card) {
  const { log, outlying } = card;
  const series = [{}];
  const bands = [];
  for (const curve of card.all) {
    const ink = (percent) => () => inkOf(page, curve.run, percent);
    const common = { curve, show: !page.hidden.has(curve.run.name), points: { show: false } };
    const points = { show: curve.x.length <= MOST_DOTS, size: 4.5, width: 1.2, fill: () => page.ink("var(--card)") };
    series.push({ ...common, stroke: ink(100), width: 1.5, dash: dashOf(curve.rank), points });
    if (!curve.low || !curve.high) continue;
    bands.push({ series: [series.length, series.length + 1], fill: ink(18) });
    series.push({ ...common, stroke: ink(55), width: 1 }, { ...common, auto: !log, stroke: ink(0) });
  }
  const options = Object.assign(frame(page, card), { series, bands });
  const near = () => [...card.lines, ...card.limits];
  const ends = (_, low, high) => (outlying ? wideRange(low, high, outlying) : range(low, high, near(), log));
  options.scales.y = { distr: log ? 3 : outlying ? 4 : 1, asinh: outlying || 1, range: ends };
  const splits = (_, __, low, high) => (outlying ? wideTicks(low, high, outlying) : ticks(low, high, log));
  const numbers = { incrs: [1], space: 0, splits, filter: (_, all) => all, values: (_, all) => all.map((x) => number(x, 12)) };
  options.axes.push({ ...options.axes[0], ...numbers, label: undefined, size: 52 });
  const inside = (draw) => (plot) => paint(plot, (ctx, ratio) => draw(page, card, plot, ctx, ratio, plot.bbox));
  options.padding[1] = () => (card.limits.length ? MARGIN : 24);
  options.hooks.drawAxes = [drawGaps, drawLimits, drawLines].map(inside);
  options.hooks.draw = [drawMarks, drawEnds].map(inside);
  return options;
}

// What all plots have: the x axis, the shared cursor, a drag that zooms all panels of this axis.
export function frame(page, card) {
  const zoom = (plot) => {
    const { left, width } = plot.select;
    if (width < 4) return;
    plot.setSelect({ width: 0 }, false);
    page.zoomTo(card.axis, [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
  };
  const filters = { pub: (type) => /move|enter|leave/.test(type), sub: () => card.visible };
  const line = { stroke: () => page.ink("var(--line)"), width: 1 };
  const counts = [...Array(10).keys()].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));
  const whole = { incrs: counts, values: (_, numbers) => numbers.map(count) };
  const looks = { stroke: () => page.ink("var(--muted)"), font: "11px system-ui", grid: line, ticks: { ...line, size: 4 } };
  const label = { label: STEPS, labelSize: 18, labelFont: "11px system-ui" };
  return {
    width: card.parts.plot.clientWidth,
    height: card.height,
    padding: [12, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { setScale: false },
      bind: { dblclick: () => () => page.zoomTo(card.axis) },
      sync: { key: `${page.id} ${card.axis}`, scales: ["x", null], filters },
    },
    scales: { x: { time: false } },
    axes: [{ ...looks, ...whole, ...label, size: 26, gap: 3, space: 64 }],
    hooks: { setSelect: [zoom], setCursor: [(plot) => card.read(plot)] },
  };
}

// The ends of a y axis, with lines that are near; of few decades: uPlot takes seconds for many. What explodes leaves it.
function range(low, high, lines, log) {
  if (!isNumber(low)) return [0.1, 1];
  if (log) high = Math.min(high, Math.max(low, 1e-9) * 1e12);
  if (low === high) [low, high] = log ? [low / 1.5, high * 1.5] : [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
  const size = (from, to) => (log ? Math.log(to / from) : to - from);
  for (const { value } of lines) {
    const [down, up] = [Math.min(low, value), Math.max(high, value)];
    if (size(down, up) <= 2 * size(low, high) + (log ? 1 : 0)) [low, high] = [down, up];
  }
  const space = 0.06 * (high - low);
  if (!log) return [low >= 0 && low < space ? 0 : low - space, high + space];
  if (high / low < 3) return [low * (low / high) ** 0.1, high * (high / low) ** 0.1];
  return [Math.max(1 / roundUp(1 / low), high / 10 ** MOST_DECADES), roundUp(high)];
}

// The ends of an axis that grows narrow beyond a size, and the numbers at it.
function wideRange(low, high, size) {
  const [from, to] = [Math.asinh(low / size), Math.asinh(high / size)];
  const space = 0.06 * (to - from);
  return [size * Math.sinh(from - space), size * Math.sinh(to + space)];
}

function wideTicks(low, high, size) {
  const powers = [];
  for (let power = size; power <= Math.max(-low, high); power *= 10) powers.push(power);
  const every = Math.ceil(powers.length / 3);
  const shown = powers.filter((_, i) => i % every === 0);
  return [...shown.map((power) => -power).reverse(), 0, ...shown].filter((tick) => tick >= low && tick <= high);
}

// The next of 1, 2, 5, 10 and so on.
function roundUp(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].find((digit) => digit * power >= x * (1 - 1e-9)) * power;
}

// The numbers that stand at a y axis.
function ticks(low, high, log) {
  const decades = log ? Math.log10(high / low) : 0;
  const found = [];
  if (decades < 0.5) {
    const step = roundUp((high - low) / 5);
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(i * step);
    return found;
  }
  const digits = decades < 1.1 ? [1, 2, 5] : decades < 2.2 ? [1, 3] : [1];
  const every = Math.ceil(decades / 6);
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1e-9; power++) {
    if (power % every === 0) found.push(...digits.map((digit) => digit * 10 ** power));
  }
  return found.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
}

// The reference lines of a panel, equal ones once: {value, label}.
export function linesOf(panel, curves) {
  const lines = new Map();
  for (const { run } of curves) {
    for (const { value, label } of panel.lines) {
      const of = run.record?.hyperparameters?.[value] ?? value;
      if (isNumber(of)) lines.set(`${of} ${label}`, { value: of, label });
    }
  }
  return [...lines.values()];
}

// The limits that curves are beyond, equal ones once.
export function limitsOf(curves) {
  const all = curves.flatMap(({ run, tag }) => run.limits[tag] ?? []);
  return [...new Map(all.map((limit) => [`${limit.value} ${limit.direction}`, limit])).values()];
}

// Draw a band where something is wrong, from each limit on, with the limit at the right margin.
function drawLimits(page, { limits }, plot, ctx, ratio, { left, top, width, height }) {
  const placed = [];
  for (const { value, level, direction } of limits) {
    const isAbove = direction === "above";
    const y = Math.min(Math.max(plot.valToPos(value, "y", true) || Infinity, top), top + height);
    ctx.fillStyle = page.ink(`color-mix(in srgb, var(--${level}) 9%, #0000)`);
    ctx.fillRect(left, isAbove ? top : y, width, isAbove ? y - top : top + height - y);
    ctx.fillStyle = page.ink(`var(--${level})`);
    ctx.fillRect(left, y, width, ratio);
    if (placed.some((other) => Math.abs(other - y) < APART * ratio)) continue;
    placed.push(y);
    ctx.fillText(`limit ${number(value, 2)}`, left + width + 5 * ratio, y + 4 * ratio);
  }
}

function drawLines(page, { lines }, plot, ctx, ratio, { left, top, width, height }) {
  ctx.strokeStyle = page.ink("var(--text)");
  ctx.setLineDash([ratio, 3 * ratio]);
  for (const { value } of lines) {
    const y = plot.valToPos(value, "y", true);
    if (y >= top && y <= top + height) ctx.stroke(new Path2D(`M${left} ${y}h${width}`));
  }
}

// Shade where a curve has no finite number; where it never has one again, say so.
function drawGaps(page, { curves }, plot, ctx, ratio, { left, top, width, height }) {
  const at = (x) => Math.min(Math.max(plot.valToPos(x, "x", true), left), left + width);
  let row = 0;
  for (const { run, x, y } of curves) {
    ctx.fillStyle = inkOf(page, run, 12);
    for (let i = 0; i < x.length; i++) {
      if (y[i] !== null) continue;
      const from = i;
      while (i + 1 < x.length && y[i + 1] === null) i++;
      const end = i + 1 < x.length ? at(x[i + 1]) : left + width;
      ctx.fillRect(at(x[from]), top, Math.max(end - at(x[from]), ratio), height);
      if (i + 1 < x.length || row > 2) continue;
      ctx.fillStyle = page.ink(run.color);
      const text = `NaN from step ${count(x[from])}`;
      const start = Math.min(at(x[from]) + 4 * ratio, left + width - ctx.measureText(text).width);
      ctx.fillText(text, start, top + (14 + APART * row++) * ratio);
    }
  }
}

// Mark at the edge where a curve leaves the axis, and its best point with a star.
function drawEnds(page, { curves }, plot, ctx, ratio, { left, top, width, height }) {
  const { min, max } = plot.scales.y;
  ctx.font = `${15 * ratio}px system-ui`;
  const mark = (glyph, x, y) => ctx.fillText(glyph, x - ctx.measureText(glyph).width / 2, y);
  for (const { run, tag, x, y, high = y } of curves) {
    ctx.fillStyle = inkOf(page, run);
    let last = -Infinity;
    for (let i = 0; i < x.length; i++) {
      const place = plot.valToPos(x[i], "x", true);
      const [isOver, isUnder] = [high[i] > max, y[i] !== null && y[i] < min && y[i] > 0];
      if (!(isOver || isUnder) || place - last < APART * ratio || place < left || place > left + width) continue;
      mark(isOver ? "▲" : "▼", (last = place), isOver ? top + 11 * ratio : top + height);
    }
    const finite = y.filter(isNumber);
    if (tag !== STARRED || finite.length < 2) continue;
    const best = y.indexOf(Math.min(...finite));
    mark("★", plot.valToPos(x[best], "x", true), plot.valToPos(y[best], "y", true) + 5 * ratio);
  }
}

// What is marked along the steps: verdicts where they rose, and events.
export function marksOf({ panel }, runs, of) {
  const events = (run) => (run.record?.events ?? []).filter((event) => panel.events.includes(event.kind));
  const marks = (of) => runs.flatMap((run) => of(run).map((mark) => ({ run, ...mark })));
  return { rose: marks(of), events: marks(events) };
}

// Draw a line where each verdict rose, and the events along the lower edge.
function drawMarks(page, { marks }, plot, ctx, ratio, { left, top, width, height }) {
  const placed = (all) => {
    const found = all.map((mark) => ({ ...mark, x: Math.round(plot.valToPos(mark.step, "x", true)) }));
    return found.filter(({ x }) => x >= left && x <= left + width);
  };
  const above = new Map(); // how many events there are at a place
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  for (const { run, x } of placed(marks.rose)) {
    ctx.strokeStyle = inkOf(page, run);
    ctx.stroke(new Path2D(`M${x} ${top}v${height}`));
  }
  for (const { run, kind, x } of placed(marks.events)) {
    above.set(x, (above.get(x) ?? 0) + 1);
    ctx.fillStyle = page.ink(run.color);
    ctx.fillText(glyphOf(kind), x - ctx.measureText(glyphOf(kind)).width / 2, top + height + (8 - 11 * above.get(x)) * ratio);
  }
}

// Draw on a plot; `ratio` is the pixels of the screen in one.
function paint(plot, draw) {
  const ratio = uPlot.pxRatio;
  plot.ctx.save();
  Object.assign(plot.ctx, { font: `${11 * ratio}px system-ui`, lineWidth: ratio, textAlign: "left", textBaseline: "alphabetic" });
  draw(plot.ctx, ratio);
  plot.ctx.restore();
}
