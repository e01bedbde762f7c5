// The upper part of the page: how the runs stand, and what is wrong with each.
import { button, count, fine, finding, isNumber, kindsOf, make, nameOf, number, prose, update, wrong } from "./words.js";
import { concerns } from "./cards.js";

const COLUMNS = ["run", "what is wrong", "optimizer", "steps", "loss", "validation, last (best)", "clipped"];
const REASONS = 5; // lines of why

export function drawHead(page) {
  drawHeading(page);
  drawRuns(page);
  const shown = page.runs.filter((run) => !page.hidden.has(run.name));
  const all = shown.flatMap((run) => blocksOf(page, run));
  update(page.parts.verdicts, all.sort((a, b) => a.level.localeCompare(b.level)));
  update(page.parts.stopping, shown.filter((run) => run.record?.stopping).map(stoppingOf));
}

function drawHeading({ document, runs, parts }) {
  const texts = [make("span.muted", document.title), make("span.summary", summaryOf(runs))];
  const live = runs.filter((run) => run.live);
  if (live.length) texts.push(make("span.live", `live, step ${count(Math.max(...live.map((run) => run.step)))}`));
  parts.heading.replaceChildren(make("h1", "Optimization: what is wrong, and what cures it"), ...texts);
}

function summaryOf(runs) {
  const inState = (name) => runs.filter(({ state }) => state.name === name).length;
  if (inState("act")) return `Something to do in ${inState("act")} of ${runs.length}.`;
  if (inState("little_checked")) return `Little checked: ${inState("little_checked")} of ${runs.length}.`;
  return runs.length ? "Nothing to do." : "";
}

// What is to be said of a run: [level, text].
function findingsOf(run) {
  const kinds = kindsOf(wrong(run));
  return kinds.length ? kinds : [[run.state.name, run.state.text]];
}

// What is said of a run, what follows from it, and folded the checks that found nothing, or were not made; the fold
// stays as a person left it.
function saidOf(page, run) {
  const [all, { "": found = [], ...explained }] = [findingsOf(run), Object.fromEntries(fine(run))];
  const [[level, text]] = all;
  const named = (verdicts) => verdicts.flatMap(({ kind, finding: title }, i) => [
    i ? ", " : " ", Object.assign(make("span", kind), { title }),
  ]);
  const said = all.map(finding);
  for (const [cause, verdicts] of Object.entries(explained)) {
    said.push(make("div.follows.muted", `Explained by ${cause}, which is to be cured first:`, ...named(verdicts)));
  }
  if (!found.length) return said;
  const lines = [make("div.muted", ...named(found))];
  const { missing } = run.state;
  if (missing.length) lines.push(make("div.muted", `could not be made: ${missing.join(", ")}`));
  const head = make("summary", level === "ok" ? text : `${found.length} found nothing`);
  const fold = make("details.checks", head, ...lines);
  const key = (head.dataset.focus = `checks ${run.name}`);
  fold.open = page.open.get(key) ?? false;
  fold.ontoggle = () => page.open.set(key, fold.open);
  fold.onclick = (event) => event.stopPropagation(); // which would hide the run
  return level === "ok" ? [finding([level, fold])] : [...said, fold];
}

// The table of runs; a click, Enter or Space on a row hides its run or shows it again.
function drawRuns(page) {
  const heads = COLUMNS.map((name, i) => make(i > 2 ? "th.number" : "th", name));
  const table = () => make("table.runs", make("thead", make("tr", ...heads)), make("tbody"));
  const some = page.runs.length > 0;
  update(page.parts.runs, [{ content: some, build: some ? table : nothing }]);
  if (!some) return;
  const rows = page.runs.map((run) => {
    const hidden = page.hidden.has(run.name);
    const said = [findingsOf(run), [...fine(run)], run.state, textsOf(run)];
    const content = [run.color, run.problem, hidden, run.live, said];
    return { key: run.name, content, build: () => rowOf(page, run, hidden) };
  });
  update(page.parts.runs.querySelector("tbody"), rows);
}

function nothing() {
  const fit = "No run here yet. Give `fit` the callbacks `keras_ch8.callbacks.TensorBoard(log_dir)` and `Diagnosis()`, or ";
  return make("p", ...prose(`${fit}name a folder that has runs: \`python -m keras_ch8 report LOG_DIR\`.`));
}

function textsOf({ record, step, summary }) {
  const { optimizer = "–", learning_rate: rate } = record?.hyperparameters ?? {};
  const { last, best } = summary?.validation ?? {};
  return [
    isNumber(rate) ? `${optimizer} ${number(rate)}` : optimizer,
    count(step),
    number(summary?.loss),
    isNumber(best) ? `${number(last)} (${number(best)})` : number(last),
    isNumber(summary?.clipped) ? `${Math.round(100 * summary.clipped)} %` : "–",
  ];
}

function rowOf(page, run, hidden) {
  const toggle = () => page.toggle(run.name);
  const name = make("td", nameOf(run));
  if (run.live) name.append(make("span.live", "live"));
  if (run.problem) name.append(make("div.problem", run.problem));
  const texts = textsOf(run).map((text, i) => make(i ? "td.number" : "td.whole", text));
  const notes = run.state.reasons.map((note) => make("div.note.muted", ...prose(note)));
  const row = make(hidden ? "tr.off" : "tr", name, make("td", ...saidOf(page, run), ...notes), ...texts);
  row.dataset.run = row.dataset.focus = run.name;
  row.tabIndex = 0;
  row.title = `Click or press Enter to ${hidden ? "show" : "hide"} this run`;
  row.onclick = toggle;
  row.onkeydown = (event) => {
    if (event.target !== row || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    toggle();
  };
  return row;
}

// The blocks of the verdicts on a run; a code that cures several is shown for the first.
function blocksOf(page, run) {
  const first = new Map();
  return wrong(run).map((verdict) => {
    const { kind, code } = verdict;
    if (code && !first.has(code)) first.set(code, kind);
    return blockOf(page, run, verdict, first.get(code) ?? kind);
  });
}

// The block of a verdict: open where it calls for action, or as a person left it. `first` is the kind, or one above it
// that the same code cures.
function blockOf(page, run, verdict, first) {
  const { kind, level, measured, step, section, cure, code, then, expects, why = [] } = verdict;
  const key = [run.name, kind, level].join("\n");
  const seen = page.groups.flatMap(({ cards }) => cards.filter((card) => concerns(card, verdict, run)));
  const charts = seen.map(({ key, panel }) => [key, panel.title]);
  const build = () => {
    const when = `measured at step ${count(measured)}, since step ${count(step)}, section ${section}`;
    const title = make("summary", finding([level, kind]), "in ", nameOf(run), make("span.muted", when));
    title.dataset.focus = key;
    const go = (key) => page.cards.get(key)?.element.scrollIntoView();
    const links = charts.flatMap(([key, title]) => [" ", button(`↓ ${title}`, () => go(key), "button.link")]);
    const said = make("div", make("p", ...prose(verdict.finding), ...links));
    const say = (...pairs) => {
      const parts = pairs.filter(([, text]) => text).flatMap(([head, text]) => [make("b", head), ...prose(text), " "]);
      if (parts.length) said.append(make("p", ...parts));
    };
    if (first !== kind) say(["Cure: ", `The same as for ${first}, above.`]);
    else {
      say(["Cure: ", cure]);
      if (code) said.append(codeOf(code));
      say(["Afterwards: ", expects], ["If that fails: ", then]);
    }
    const reasons = why.slice(0, REASONS).map((reason) => make("li", ...prose(reason)));
    const block = make(`details.verdict.${level}`, title, make("div.body", said, make("ul.why", ...reasons)));
    Object.assign(block, { verdict, of: run.name });
    block.open = page.open.get(key) ?? level === "act";
    block.ontoggle = () => page.open.set(key, block.open);
    return block;
  };
  return { key, level, content: [verdict, first, run.color, charts], build };
}

function codeOf(code) {
  const text = make("pre", make("code", code));
  const copy = button("Copy", async () => {
    copy.textContent = (await copied(text)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  }, "button.copy");
  return make("div.code", text, make("div.where", "goes between compile and fit(x, y)", copy));
}

// Whether a text is on the clipboard; where that is not allowed, it is selected.
async function copied(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

function stoppingOf(run) {
  const { metric, best, best_epoch: epoch, patience_left: left, reason } = run.record.stopping;
  const stop = run.record.events?.find((event) => event.kind === "stop");
  let said = `: \`${metric}\``;
  if (isNumber(best)) said += ` was best at ${number(best)}`;
  if (isNumber(epoch)) said += ` in epoch ${epoch}`;
  if (stop || reason) said += `${stop ? `; at step ${count(stop.step)}` : ""}: ${reason ?? "stopped"}`;
  else if (isNumber(left)) said += `; ${left} epoch${left === 1 ? "" : "s"} of patience left`;
  const build = () => make("div.stopping", make("b", "Early stopping "), "in ", nameOf(run), ...prose(said));
  return { key: run.name, content: [said, run.color], build };
}
