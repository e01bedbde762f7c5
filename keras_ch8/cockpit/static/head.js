// The upper part of the page: how all runs stand, what is wrong with each, and what cures it.
import { LEVELS, badge, button, count, dot, isNumber, make, number, prose, short, update, words } from "./words.js";

const COLUMNS = ["run", "what is wrong", "optimizer", "steps", "loss", "validation, last (best)", "clipped"];
const NUMBERS_FROM = 3; // the columns from here on are numbers
const REASONS = 5; // lines of why

/** Return the verdicts of a run that ask for something, the most serious first; equal ones stay in their order. */
export function wrong(run) {
  const verdicts = (run.record?.verdicts ?? []).filter((verdict) => verdict.level !== "ok");
  return verdicts.sort((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level));
}

/** Return whether somebody still writes a run. */
export const isLive = (page, run) => Boolean(page.document.live) && run.ended === false;

/** Draw the heading, with what all the runs come to. */
export function drawHeading(page) {
  const live = page.runs.filter((run) => isLive(page, run));
  const steps = Math.max(0, ...live.map((run) => run.step));
  const state = [page.document.title, page.runs.length, live.length, steps, page.runs.map(levelOf)];
  const build = () => {
    const line = make("div", "heading", make("h1", "", "Optimization: what is wrong, and what cures it"));
    line.append(short("span", "muted", page.document.title));
    if (page.runs.length) line.append(make("span", "summary", summary(page.runs)));
    if (live.length) line.append(make("span", "live", `live, step ${count(steps)}`));
    return line;
  };
  update(page.parts.heading, [{ key: "heading", content: state, build }]);
}

/** Return the level of a run: "none" where nothing looked at it. */
function levelOf(run) {
  const [gravest] = wrong(run);
  return gravest?.level ?? (run.record?.diagnosis ? "ok" : "none");
}

function summary(runs) {
  const act = runs.filter((run) => levelOf(run) === "act").length;
  if (act) return `${act} of ${runs.length} ${runs.length === 1 ? "run needs" : "runs need"} action.`;
  const watched = runs.filter((run) => levelOf(run) === "watch").length;
  if (watched) return `Nothing to do now; ${watched} of ${runs.length} to watch.`;
  return runs.some((run) => levelOf(run) === "ok") ? "Nothing to do." : "No run was looked at by a Diagnosis.";
}

/** Draw the table of runs; a click, Enter or Space on a row hides its run or shows it again. */
export function drawRuns(page, toggle) {
  if (!page.runs.length) {
    update(page.parts.runs, [{ key: "empty", content: "", build: nothing }]);
    return;
  }
  const build = () => {
    const head = make("tr", "", ...COLUMNS.map((name, i) => make("th", i < NUMBERS_FROM ? "" : "number", name)));
    const table = make("table", "runs", make("thead", "", head), make("tbody", ""));
    table.setAttribute("aria-label", "Runs; a row hides its run or shows it again");
    return table;
  };
  update(page.parts.runs, [{ key: "table", content: "", build }]);
  const rows = page.runs.map((run) => {
    const hidden = page.hidden.has(run.name);
    const { name, color, step, ended, record, summary, problem } = run;
    const rate = [record?.hyperparameters?.optimizer, record?.hyperparameters?.learning_rate, record?.diagnosis];
    const content = [name, color, step, ended, rate, wrong(run), summary, problem, hidden, isLive(page, run)];
    return { key: name, content, build: () => row(page, run, hidden, toggle) };
  });
  update(page.parts.runs.querySelector("tbody"), rows);
}

function nothing() {
  const advice = prose(
    "There is no run here yet. Add `keras_ch8.callbacks.TensorBoard(log_dir)` and `keras_ch8.callbacks.Diagnosis()` to " +
      "`callbacks` of `fit`, and open this page again; or name a folder with runs: `python -m keras_ch8 report LOGDIR`.",
  );
  return make("p", "empty", ...advice);
}

function row(page, run, hidden, toggle) {
  const element = make("tr", hidden ? "off" : "");
  element.dataset.run = element.dataset.focus = run.name;
  element.tabIndex = 0;
  element.title = hidden ? "Hidden; click or press Enter to show it" : "Click or press Enter to hide it";
  const name = make("span", "name", dot(run.color), short("span", "", run.name));
  if (isLive(page, run)) name.append(make("span", "live", "live"));
  if (hidden) name.append(make("span", "muted", "hidden"));
  const problem = run.problem ? [make("div", "problem", run.problem)] : [];
  const cells = [
    make("td", "", name, ...problem),
    make("td", "findings", ...findings(run)),
    make("td", "", optimizerOf(run)),
    make("td", "number", count(run.step)),
    make("td", "number", number(run.summary?.loss)),
    make("td", "number", validationOf(run.summary?.validation)),
    make("td", "number", isNumber(run.summary?.clipped) ? `${Math.round(100 * run.summary.clipped)} %` : "–"),
  ];
  cells.forEach((cell, i) => (cell.dataset.column = COLUMNS[i]));
  element.append(...cells);
  element.addEventListener("click", () => toggle(run.name));
  element.addEventListener("keydown", (event) => {
    if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    toggle(run.name);
  });
  return element;
}

function findings(run) {
  const verdicts = wrong(run);
  if (verdicts.length) {
    const levels = LEVELS.filter((level) => verdicts.some((verdict) => verdict.level === level)).reverse();
    return levels.map((level) => {
      const kinds = verdicts.filter((verdict) => verdict.level === level).map((verdict) => words(verdict.kind));
      return make("span", "finding", badge(level), kinds.join(", "));
    });
  }
  const diagnosis = run.record?.diagnosis;
  if (!diagnosis) return [make("span", "finding", badge("none"), make("span", "muted", "no Diagnosis in this run"))];
  const checks = `${diagnosis.checks} ${diagnosis.checks === 1 ? "check" : "checks"}`;
  return [make("span", "finding", badge("ok"), make("span", "muted", `All right: ${checks}, nothing to do`))];
}

function optimizerOf(run) {
  const { optimizer, learning_rate: rate } = run.record?.hyperparameters ?? {};
  if (!optimizer) return "–";
  return isNumber(rate) ? `${optimizer} ${number(rate)}` : String(optimizer);
}

function validationOf(validation) {
  if (!isNumber(validation?.last)) return "–";
  return isNumber(validation.best) ? `${number(validation.last)} (${number(validation.best)})` : number(validation.last);
}

/** Draw a block for each verdict of the runs that are shown: those that call for action are open. */
export function drawVerdicts(page) {
  const found = page.runs.filter((run) => !page.hidden.has(run.name));
  const all = found.flatMap((run) => wrong(run).map((verdict) => ({ run, verdict })));
  const inOrder = ["act", "watch"].flatMap((level) => all.filter(({ verdict }) => verdict.level === level));
  const blocks = inOrder.map(({ run, verdict }) => {
    const key = [run.name, verdict.kind, verdict.level].join("\n");
    return { key, content: [verdict, run.color], build: () => block(page, key, run, verdict) };
  });
  update(page.parts.verdicts, blocks);
}

function block(page, key, run, verdict) {
  const element = make("details", `verdict ${verdict.level}`);
  element.dataset.kind = verdict.kind;
  element.open = page.open.get(key) ?? verdict.level === "act";
  element.addEventListener("toggle", () => page.open.set(key, element.open));
  const when = `measured at step ${count(verdict.measured)}, since step ${count(verdict.step)}`;
  const name = make("span", "name", dot(run.color), short("span", "", run.name));
  const title = make("summary", "", badge(verdict.level), make("b", "", words(verdict.kind)), " in ", name);
  title.append(make("span", "muted", `${when}, section ${verdict.section}`));
  title.dataset.focus = key;
  const said = make("div", "said", make("p", "", ...prose(verdict.finding)));
  if (verdict.cure) said.append(make("p", "cure", make("b", "", "Cure: "), ...prose(verdict.cure)));
  if (verdict.code) said.append(codeOf(verdict.code, key));
  const body = make("div", "body", said);
  const why = (verdict.why ?? []).slice(0, REASONS);
  if (why.length) body.append(make("ul", "why", ...why.map((reason) => make("li", "", ...prose(reason)))));
  element.append(title, body);
  return element;
}

function codeOf(code, key) {
  const text = make("pre", "", make("code", "", code));
  const copy = button("copy", "Copy", async () => {
    copy.textContent = (await copied(code, text)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  copy.dataset.focus = `${key}\ncopy`;
  return make("div", "code", copy, text);
}

/** Put text on the clipboard and return whether it is there; where that is not allowed, it is selected. */
async function copied(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

/** Draw a line for each run that may stop early: by what, how good it was, how long it waits, and why it stopped. */
export function drawStopping(page) {
  const stopping = page.runs.filter((run) => run.record?.stopping && !page.hidden.has(run.name));
  const lines = stopping.map((run) => {
    const stop = (run.record.events ?? []).find((event) => event.kind === "stop");
    const content = [run.record.stopping, stop, run.color];
    return { key: run.name, content, build: () => stoppingLine(run, run.record.stopping, stop) };
  });
  update(page.parts.stopping, lines);
}

function stoppingLine(run, { metric, best, best_epoch: epoch, patience_left: left, reason }, stop) {
  const line = make("div", "stopping", make("b", "", "Early stopping "), "in ");
  line.append(make("span", "name", dot(run.color), short("span", "", run.name)), ": ", make("code", "", metric));
  if (isNumber(best)) line.append(` was best at ${number(best)}`, isNumber(epoch) ? ` in epoch ${count(epoch)}` : "");
  if (stop || reason) {
    line.append(stop ? `; stopped at step ${count(stop.step)}` : "; stopped");
    if (reason) line.append(`: ${reason}`);
  } else if (isNumber(left)) {
    line.append(`; ${number(left)} ${left === 1 ? "epoch" : "epochs"} of patience left`);
  }
  return line;
}
