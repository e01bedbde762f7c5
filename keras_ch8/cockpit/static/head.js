// The upper part of the page: the headline, and the table of runs.
import { LEVELS, button, count, finding, isNumber, make, nameOf, number, prose, update } from "./words.js";
import { checksOf, drawVerdicts } from "./verdicts.js";

const OLD = 180; // seconds without news after which a run may have died

export function drawHead(page) {
  drawHeading(page);
  drawVerdicts(page);
  drawRuns(page);
  const stopped = page.runs.filter((run) => !page.hidden.has(run.name) && run.record?.stopping);
  update(page.parts.stopping, stopped.map(stoppingOf));
}

function drawHeading(page) {
  const { document, runs, parts } = page;
  const { level, text, more, advice } = document.headline;
  const newest = runs.filter((run) => run.news).sort((a, b) => b.news - a.news)[0];
  page.isOld = isOld(newest) && !LEVELS.includes(level);
  const lost = page.isOld && `No news from this run for ${agoOf(newest)}: is it still running?`;
  const isKnown = level && level !== "little_checked"; // else the text says it
  const title = lost ? finding(["watch", lost]) : isKnown ? finding([level, text]) : text;
  const levels = document.cases.length ? "ACT: change this now. WATCH: may be a problem." : "";
  const under = [more, `${runs.length > 1 ? "runs in" : "run"}: ${document.title}`, levels].filter(Boolean).map((said) => make("span", said));
  if (newest) under.push(newsOf(newest, page.follows));
  parts.heading.replaceChildren(make("h1", title), make("p", make("b", advice)), make("div.muted.more", ...under));
}

const isOld = (run) => run?.news && Date.now() / 1000 - run.news >= OLD;

// Since when a run that has not ended is not heard of.
function newsOf(run, follows) {
  const at = `step ${count(run.step)}`;
  if (isOld(run)) return make("span.live.old", `last news ${agoOf(run)} ago, ${at}`);
  if (follows) return make("span.live", `live, ${at}`);
  return make("span.live", `still running as of ${new Date(1000 * run.news).toLocaleTimeString("en-GB")}, ${at}: reload for newer`);
}

function agoOf({ news }) {
  const seconds = Date.now() / 1000 - news;
  const [size, unit] = seconds < 7200 ? [60, "min"] : seconds < 172800 ? [3600, "hours"] : [86400, "days"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

// The table of runs, the best first unless somebody sorts it; a click, Enter or Space on a row hides its runs or shows
// them again.
function drawRuns(page) {
  const { parts, sort, document } = page;
  const heads = [["run"], ["state"], ...document.columns];
  const headOf = ([name, isNumeric]) => {
    const isBy = sort.name === name;
    const head = make(isNumeric ? "th.number" : "th", button(name, () => {
      page.sort = { name, sign: isBy ? -sort.sign : 1 };
      drawRuns(page);
    }));
    if (isBy) head.ariaSort = sort.sign > 0 ? "ascending" : "descending";
    return head;
  };
  const table = () => make("table.runs", make("thead", make("tr", ...heads.map(headOf))), make("tbody"));
  update(parts.runs, [{ content: [heads, sort], build: page.runs.length ? table : nothing }]);
  if (!page.runs.length) return;
  const rows = inOrder(document.rows, heads.findIndex(([name]) => name === sort.name), sort.sign).flatMap((row) => {
    const runs = page.runs.filter(({ name }) => row.runs.includes(name));
    const hidden = runs.every(({ name }) => page.hidden.has(name));
    const live = runs.find(({ news }) => news);
    const content = [row, heads, runs[0]?.color, hidden, !live, isOld(live)];
    return runs.length ? { key: row.name, content, build: () => rowOf(page, row, runs[0], hidden, live) } : [];
  });
  update(parts.runs.querySelector("tbody"), rows);
}

function inOrder(rows, i, sign) {
  if (i < 0) return rows;
  const valueOf = ({ name, level, cells }) => [name, level, ...cells.map(([value]) => value)][i];
  const isText = (row) => !isNumber(valueOf(row));
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const compare = (a, b) => (isNumber(a) ? a - b : order(a ?? "", b ?? ""));
  return rows.toSorted((a, b) => isText(a) - isText(b) || sign * compare(valueOf(a), valueOf(b)));
}

function nothing() {
  const fit = "Pass `callbacks=[keras_ch8.Doctor(log_dir)]` to `fit`, or name ";
  return make("p", ...prose(`${fit}a folder that has runs: \`python -m keras_ch8 report LOG_DIR\`.`));
}

function rowOf(page, row, { color }, hidden, live) {
  const toggle = () => page.toggle(row.runs, !hidden);
  const old = isOld(live);
  const name = make("td", nameOf({ color, name: row.name }));
  if (live) name.append(old ? make("span.live.old", "no news") : make("span.live", "running"));
  const saying = ([level, text]) =>
    /best|muted/.test(level) ? make(`span.${level}`, text) : finding([old && level === "ok" ? "ok.grey" : level, text]);
  const said = row.said.flatMap((each) => [saying(each), " "]);
  if (row.checks) said.push(checksOf(page, row.name, row.checks));
  if (row.problem) said.push(make("div.problem", row.problem));
  said.push(...row.notes.map((note) => make("div.note.muted", ...prose(note))));
  const cells = row.cells.map(([, text], i) => {
    const isNumeric = page.document.columns[i][1];
    return make(isNumeric ? text.startsWith("NaN") ? "td.number.nan" : "td.number" : "td", text || "–");
  });
  const element = make(hidden ? "tr.off" : "tr", name, make("td", ...said), ...cells);
  element.dataset.run = element.dataset.focus = row.name;
  element.tabIndex = 0;
  element.title = `Click or press Enter to ${hidden ? "show" : "hide"} this run`;
  element.onclick = toggle;
  element.onmouseenter = element.onfocus = () => page.stress(row.runs);
  element.onmouseleave = element.onblur = () => page.stress();
  element.onkeydown = (event) => {
    if (event.target !== element || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    toggle();
  };
  return element;
}

function stoppingOf(run) {
  const { metric, best, best_epoch: epoch, patience_left: left, reason } = run.record.stopping;
  const stop = run.record.events?.find((event) => event.kind === "stop");
  let said = `: \`${metric}\``;
  if (isNumber(best)) said += ` was best at ${number(best)}`;
  if (isNumber(epoch)) said += ` in epoch ${epoch}`;
  if (stop) said += `; at step ${count(stop.step)}`;
  if (stop || reason) said += `: ${reason ?? "stopped"}`;
  else if (isNumber(left) && run.ended === false) said += `; patience left: ${left}`;
  const build = () => make("div.stopping", make("b", "Early stopping "), "in ", nameOf(run), ...prose(said));
  return { key: run.name, content: [said, run.color], build };
}
