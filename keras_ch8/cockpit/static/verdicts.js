// The verdicts: the first one beside the loss, the others below it, each once for all runs that have it.
import { button, count, fine, finding, foldOf, make, nameOf, prose, update, wrong } from "./words.js";
import { concerns } from "./cards.js";

const ARGUMENTS = ["batch_size", "epochs", "callbacks", "class_weight"]; // of `fit`, which the code of a fix may set
const NAMED = 3; // runs in the heading of a verdict, and charts below it

export function drawVerdicts(page) {
  const runs = page.runs.filter((run) => !page.hidden.has(run.name));
  const shown = new Map(); // the kind whose block has a code, by run and code
  const blocks = casesOf(page, runs).map((each, i) => blockOf(page, each, i === 0, shown));
  const calm = runs.length ? [calmOf(page, runs)] : [];
  update(page.parts.main, blocks.length ? blocks.slice(0, 1) : calm);
  update(page.parts.verdicts, blocks.slice(1));
}

// What is wrong with some runs, with the verdict on each.
function casesOf({ document }, runs) {
  const cases = document.cases.map(({ kind, level }) => {
    const isIt = (verdict) => verdict.kind === kind && verdict.level === level;
    const members = runs.map((run) => ({ run, verdict: wrong(run).find(isIt) })).filter(({ verdict }) => verdict);
    return { key: `${level} ${kind}`, kind, level, members };
  });
  return cases.filter(({ members }) => members.length);
}

// The block of a case. A code that cures several verdicts on a run is shown for the first.
function blockOf(page, { key, kind, level, members }, isFirst, shown) {
  const told = members.map(({ run, verdict }) => {
    const id = `${run.name}\n${verdict.code}`;
    if (verdict.code && !shown.has(id)) shown.set(id, kind);
    return { run, verdict, same: shown.get(id) ?? kind, follows: fine(run, kind) };
  });
  const cards = page.groups.flatMap(({ cards }) => cards);
  const isOn = (card) => members.some(({ run, verdict }) => concerns(card, verdict, run));
  const charts = cards.filter(isOn).slice(0, NAMED).map(({ key, panel }) => [key, panel.title]);
  const build = () => {
    const [first, ...others] = told;
    const names = members.slice(0, NAMED).flatMap(({ run }) => [nameOf(run), " "]);
    const more = members.length > NAMED ? [`and ${members.length - NAMED} more`] : [];
    const head = [finding([level, kind]), "in ", ...names, ...more, make("span.brief", ...prose(first.verdict.finding.split(" (")[0]))];
    const foldOfOther = (one) =>
      foldOf(page, `${key}\n${one.run.name}`, [nameOf(one.run), " ", ...prose(one.verdict.finding)], false, bodyOf(page, one, []));
    const block = foldOf(page, key, head, isFirst, bodyOf(page, first, charts), ...others.map(foldOfOther));
    block.classList.add("verdict", level);
    return Object.assign(block, { members });
  };
  return { key, content: [told.map(({ run, ...rest }) => [run.name, run.color, rest]), charts, isFirst], build };
}

// What is wrong, the fix, what to expect then, and what if not; folded what follows from it, and why it was reported.
function bodyOf(page, { run, verdict, same, follows }, charts) {
  const { kind, finding: found, cure, code, expects, then, why, step, measured, section } = verdict;
  const list = make("dl");
  const say = (head, text, ...more) => text && list.append(make("dt", head), make("dd", ...prose(text), ...more));
  const go = (key) => page.cards.get(key)?.element.scrollIntoView();
  say("What is wrong", found, ...charts.flatMap(([key, title]) => [" ", button(`↓ ${title}`, () => go(key), "button.link")]));
  if (same === kind) {
    say("Fix", cure, ...(code ? [codeOf(code)] : []));
    say("Then expect", expects);
    say("If not", then);
  } else say("Fix", `The same as for ${same}, above.`);
  const key = `${run.name}\n${kind}`;
  const rows = (texts) => make("ul", ...texts.map((text) => make("li", ...prose(text))));
  const body = make("div.body", list);
  if (follows.length) {
    const names = follows.map((each) => each.kind).join(", ");
    const texts = follows.map((each) => `${each.kind}: ${each.finding.split("so fix that first. ").at(-1)}`);
    const head = `Probably consequences of ${kind} (fix it first): ${names}`;
    body.append(foldOf(page, `${key} follows`, [head], false, rows(texts)));
  }
  const when = `Measured at step ${count(measured)}; reported since step ${count(step)}. Section ${section} of the book.`;
  body.append(foldOf(page, `${key} why`, ["Why this was reported"], false, rows([...(why ?? []), when])));
  return body;
}

function codeOf(code) {
  const text = make("pre", make("code", code));
  const copy = button("Copy", async () => {
    copy.textContent = (await copied(text)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  }, "button.copy");
  const isSet = (name) => new RegExp(`^(\\w+, )*${name}(, \\w+)* =`, "m").test(code);
  const given = ["x", "y", ...ARGUMENTS.filter(isSet).map((name) => `${name}=${name}`)].join(", ");
  return make("div.code", make("div.where", `Paste between compile and fit(${given}):`, copy), text);
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

// What is said where no verdict asks for anything: what was checked, and how to check more.
function calmOf(page, runs) {
  const { level } = page.document.headline;
  const reasons = [...new Set(runs.flatMap(({ state }) => state.reasons))];
  const isFine = level === "ok";
  const build = () => {
    const said = isFine ? "Nothing to do: no check found a problem." : "What was not checked may still be wrong.";
    const list = make("ul", ...reasons.map((reason) => make("li", ...prose(reason))));
    return make(`div.verdict.calm.${level}`, make("div.body", make("p", make("b", said)), list, ...(runs.length > 1 ? [] : [checksOf(page, runs[0])])));
  };
  return { key: "calm", content: [level, reasons, runs.map((run) => [run.state, fine(run)])], build };
}

// The checks of a run that found nothing, and those that could not be made, in a fold.
export function checksOf(page, run) {
  const { name, judged, applicable, missing } = run.state;
  const passed = fine(run).map(({ kind }) => kind);
  const lists = [["Passed", passed], ["Could not run", missing]].filter(([, kinds]) => kinds.length);
  const all = `${judged} of ${applicable} checks ${name === "ok" ? "passed" : "could run"}`;
  if (!lists.length) return "";
  const head = wrong(run).length ? `${passed.length} checks passed` : all;
  const lines = lists.map(([what, kinds]) => make("div.muted", `${what}: ${kinds.join(", ")}`));
  const fold = foldOf(page, `checks ${run.name}`, [head], false, ...lines);
  fold.classList.add("checks");
  fold.onclick = (event) => event.stopPropagation(); // which would hide the run
  return fold;
}
