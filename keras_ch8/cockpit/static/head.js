// The upper part of the page: the headline, and the table of runs.
import { button, count, finding, isNumber, kindsOf, make, nameOf, number, prose, update, words, wrong } from "./words.js";
import { checksOf, drawVerdicts } from "./verdicts.js";

const OLD = 180; // seconds without news after which a run may have died
const MUCH = 1.5; // times the best loss, from which a run without findings is told to be worse
const COLUMNS = [
  { name: "run", value: ({ name }) => name },
  { name: "state", value: ({ state }) => ["act", "watch", "little_checked", "ok"].indexOf(state.name) },
  { name: "optimizer", value: optimizerOf, text: (name) => name },
  { name: "steps", value: ({ step }) => step, text: (x) => count(x) },
  { name: "loss", value: ({ summary }) => summary?.loss, text: (x) => number(x) },
  { name: "val_loss (best)", value: ({ summary }) => summary?.validation?.best ?? summary?.validation?.last, text: validationOf },
  { name: "clipped", value: ({ summary }) => summary?.clipped, text: (share) => `${Math.round(100 * share)} %` },
];

export function drawHead(page) {
  drawHeading(page);
  drawVerdicts(page);
  drawRuns(page);
  const stopped = page.runs.filter((run) => !page.hidden.has(run.name) && run.record?.stopping);
  update(page.parts.stopping, stopped.map(stoppingOf));
}

function drawHeading({ document, runs, parts, follows }) {
  const { level, text, more } = document.headline;
  const newest = runs.filter((run) => run.news).sort((a, b) => b.news - a.news)[0];
  const isKnown = level && level !== "little_checked"; // else the text says it
  const title = isKnown ? finding([level, text]) : make("span.muted", text);
  const under = [more, document.title].filter(Boolean).map((said) => make("span", said));
  if (newest) under.push(newsOf(newest, follows));
  parts.heading.replaceChildren(make("h1", title), make("div.muted.more", ...under));
}

const ageOf = ({ news }) => Date.now() / 1000 - news;

// Since when a run that has not ended is not heard of.
function newsOf(run, follows) {
  const { news, step } = run;
  const age = ageOf(run);
  const at = `step ${count(step)}`;
  if (age >= OLD) return make("span.live.old", `last news ${agoOf(age)} ago, ${at}`);
  if (follows) return make("span.live", `live, ${at}`);
  return make("span.live", `as of ${new Date(1000 * news).toLocaleTimeString("en-GB")}, ${at}: reload for newer`);
}

function agoOf(seconds) {
  const [size, unit] = seconds < 7200 ? [60, "min"] : seconds < 172800 ? [3600, "hours"] : [86400, "days"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

// The table of runs, the best first unless somebody sorts it; a click, Enter or Space on a row hides its run or shows
// it again.
function drawRuns(page) {
  const { runs, parts, sort } = page;
  const columns = COLUMNS.filter(({ value }) => runs.some((run) => (value(run) ?? "") !== ""));
  const headOf = ({ name, text }) => {
    const isBy = sort.name === name;
    const head = make(text && name !== "optimizer" ? "th.number" : "th", button(name, () => {
      page.sort = { name, sign: isBy ? -sort.sign : 1 };
      drawRuns(page);
    }, "button.link"));
    if (isBy) head.ariaSort = sort.sign > 0 ? "ascending" : "descending";
    return head;
  };
  const table = () => make("table.runs", make("thead", make("tr", ...columns.map(headOf))), make("tbody"));
  const content = [columns.map(({ name }) => name), sort];
  update(parts.runs, [{ content, build: runs.length ? table : nothing }]);
  if (!runs.length) return;
  const { ranking } = page.document;
  const rows = inOrder(runs, sort).map((run) => {
    const hidden = page.hidden.has(run.name);
    const rank = ranking.find(({ name }) => name === run.name);
    const said = [run.record?.verdicts, run.state, rank, rank === ranking[0], columns.map(({ value }) => value(run))];
    const isOld = run.news && ageOf(run) >= OLD;
    const content = [run.color, run.problem, hidden, isOld, runs.length > 1, said];
    return { key: run.name, content, build: () => rowOf(page, run, hidden, columns, rank) };
  });
  update(parts.runs.querySelector("tbody"), rows);
}

function inOrder(runs, { name, sign }) {
  const column = COLUMNS.find((each) => each.name === name);
  if (!column) return runs;
  const isText = (run) => !isNumber(column.value(run));
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const compare = (a, b) => (isNumber(a) ? a - b : order(a ?? "", b ?? ""));
  return runs.toSorted((a, b) => isText(a) - isText(b) || sign * compare(column.value(a), column.value(b)));
}

function nothing() {
  const fit = "Give `fit` the callbacks `keras_ch8.callbacks.TensorBoard(log_dir)` and `Diagnosis()`, or ";
  return make("p", ...prose(`${fit}name a folder that has runs: \`python -m keras_ch8 report LOG_DIR\`.`));
}

function optimizerOf({ record }) {
  const { optimizer = "", learning_rate: rate } = record?.hyperparameters ?? {};
  return isNumber(rate) ? `${optimizer} ${number(rate)}` : optimizer;
}

function validationOf(_, { summary }) {
  const { last, best } = summary.validation;
  return isNumber(best) ? `${number(last)} (${number(best)})` : number(last);
}

function rowOf(page, run, hidden, columns, rank) {
  const toggle = () => page.toggle(run.name);
  const name = make("td", nameOf(run));
  if (run.news) name.append(ageOf(run) < OLD ? make("span.live", "running") : make("span.live.old", "no news"));
  if (run.problem) name.append(make("div.problem", run.problem));
  const cells = columns.slice(2).map(({ name, value, text }) => {
    const x = value(run) ?? "";
    const said = x === "" ? "–" : text(x, run);
    return make(name === "optimizer" ? "td" : said.startsWith("NaN") ? "td.number.nan" : "td.number", said);
  });
  const row = make(hidden ? "tr.off" : "tr", name, make("td", ...stateOf(page, run, rank)), ...cells);
  row.dataset.run = row.dataset.focus = run.name;
  row.tabIndex = 0;
  row.title = `Click or press Enter to ${hidden ? "show" : "hide"} this run`;
  row.onclick = toggle;
  row.onmouseenter = row.onfocus = () => page.stress(run.name);
  row.onmouseleave = row.onblur = () => page.stress();
  row.onkeydown = (event) => {
    if (event.target !== row || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    toggle();
  };
  return row;
}

// What is said of a run: its verdicts, how it compares with the best, and what was checked.
function stateOf(page, run, rank) {
  const { state } = run;
  const isFine = !wrong(run).length;
  const isOk = state.name === "ok";
  const said = isFine ? [finding([state.name, isOk ? "nothing to do" : ""])] : kindsOf(wrong(run)).map(finding);
  const { ranking, cases } = page.document;
  if (rank && rank === ranking[0] && rank.loss !== null) said.push(make("span.best", "★ best"));
  else if (rank?.times >= MUCH) {
    const worse = `${number(rank.times, 2)} x worse than the best`;
    said.push(make(isOk ? "span.worse" : "span.muted", isOk ? `but ${worse}` : worse));
  }
  if (page.runs.length < 2 && isFine) return said;
  const notes = isFine && cases.length ? state.reasons : []; // else they stand above
  return [...said, " ", checksOf(page, run), ...notes.map((note) => make("div.note.muted", ...prose(note)))];
}

function stoppingOf(run) {
  const { metric, best, best_epoch: epoch, patience_left: left, reason } = run.record.stopping;
  const stop = run.record.events?.find((event) => event.kind === "stop");
  let said = `: \`${metric}\``;
  if (isNumber(best)) said += ` was best at ${number(best)}`;
  if (isNumber(epoch)) said += ` in epoch ${epoch}`;
  if (stop) said += `; at step ${count(stop.step)}`;
  if (stop || reason) said += `: ${reason ?? "stopped"}`;
  else if (isNumber(left)) said += `; ${left} epoch${left === 1 ? "" : "s"} of patience left`;
  const build = () => make("div.stopping", make("b", "Early stopping "), "in ", nameOf(run), ...prose(said));
  return { key: run.name, content: [said, run.color], build };
}
