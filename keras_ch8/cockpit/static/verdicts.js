// The verdicts: the first one beside the loss, unless the best run is well; the others below, each once for all runs.
import { broken, button, colored, count, finding, foldOf, make, nameOf, number, prose, update, wrong } from "./words.js";
import { concerns } from "./cards.js";

const NAMED = 3; // runs in the heading of a verdict, and charts below it

export function drawVerdicts(page) {
  const runs = page.runs.filter((run) => !page.hidden.has(run.name));
  const shown = new Map(); // the kind whose block has a code, by run and code
  const blocks = casesOf(page, runs).map((each, i) => blockOf(page, each, i === 0, shown));
  const calm = page.document.calm.length ? [calmOf(page)] : [];
  const main = [...calm, ...blocks].slice(0, 1);
  update(page.parts.main, main);
  update(page.parts.verdicts, blocks.filter((block) => !main.includes(block)));
}

// What is wrong with some runs, with the verdict on each.
function casesOf({ document }, runs) {
  const cases = document.cases.map(({ kind, title, level }) => {
    const isIt = (verdict) => verdict.kind === kind && verdict.level === level;
    const members = runs.map((run) => ({ run, verdict: wrong(run).find(isIt) })).filter(({ verdict }) => verdict);
    return { key: `${level} ${kind}`, kind, title, level, members };
  });
  return cases.filter(({ members }) => members.length);
}

// The block of a case. A code that cures several verdicts on a run is shown for the first.
function blockOf(page, { key, kind, title, level, members }, isFirst, shown) {
  const told = members.map(({ run, verdict }) => {
    const id = `${run.name}\n${verdict.code}`;
    if (verdict.code && !shown.has(id)) shown.set(id, kind);
    return { run, verdict, same: shown.get(id) ?? kind, follows: run.record.verdicts.filter(({ explained_by: by }) => by === kind) };
  });
  const cards = page.groups.flatMap(({ cards }) => cards);
  const charts = cards.filter((card) => concerns(card, members)).slice(0, NAMED).map(({ key, panel }) => [key, panel.title]);
  const build = () => {
    const names = members.slice(0, NAMED).flatMap(({ run }) => [nameOf(run), " "]);
    if (members.length > NAMED) names.push(`and ${members.length - NAMED} more`);
    const inRuns = page.runs.length > 1 ? ["in ", ...names] : [];
    const head = [finding([level, title]), ...inRuns, make("span.brief", ...prose(briefOf(page, told, kind)))];
    const bodies = told.map((one, i) => {
      const body = bodyOf(page, one, i ? [] : charts);
      if (told.length < 2) return body;
      return foldOf(page, `${key}\n${one.run.name}`, [nameOf(one.run), " ", ...prose(one.verdict.cure)], !i, body);
    });
    const block = foldOf(page, key, head, isFirst, ...bodies);
    block.classList.add("verdict", level);
    return Object.assign(block, { members });
  };
  return { key, content: [told.map(({ run, ...rest }) => [run.name, run.color, rest]), charts, isFirst], build };
}

// What the head of a folded block says: of several runs, whose number it is; or that another block has the fix.
function briefOf({ document }, [{ run, verdict, same }, ...others], kind) {
  const whose = others.length ? `${run.label}: ` : "";
  const found = whose + verdict.finding.split(" (")[0];
  return same === kind ? found : `${found} (same fix as “${document.titles[same]}”)`;
}

// What is wrong, the fix, what to expect then, and what if not; folded what follows from it, and why it was reported.
function bodyOf(page, { run, verdict, same, follows }, charts) {
  const { kind, title, finding: found, cure, code, expects, then, why, step, measured, section, shows, bars = [] } = verdict;
  const go = (key) => page.cards.get(key)?.element.scrollIntoView();
  const links = charts.flatMap(([key, title]) => [" ", button(`↓ ${title}`, () => go(key))]);
  const fix = code ? [codeOf(code, page.document.where[code])] : [];
  const nan = follows.some((each) => each.kind === "nonfinite") ? " There should be no NaN." : "";
  const list = listOf([
    ["What is wrong", found, ...links],
    ["The data", shows, ...barsOf(run, bars)],
    ...(same === kind
      ? [["Fix", cure, ...fix], ["Then expect", expects + nan], ["If not", then]]
      : [["Fix", `The same as for ${page.document.titles[same]}, above.`]]),
  ]);
  const key = `${run.name}\n${kind}`;
  const rows = (texts) => make("ul", ...texts.map((text) => make("li", ...prose(text))));
  const body = make("div.body", list);
  if (follows.length) {
    const names = follows.map((each) => each.title).join(", ");
    // the first sentence of such a finding names its cause, as the head does
    const texts = follows.map((each) => `${each.title}: ${each.finding.replace(/^.*?\. /, "")}`);
    const head = `Probably caused by “${title}” (fix that first): ${names}`;
    body.append(foldOf(page, `${key} follows`, [head], false, rows(texts)));
  }
  const when = `Measured at step ${count(measured)}; reported since step ${count(step)}. Section ${section} of the book; \`${kind}\` in code.`;
  body.append(foldOf(page, `${key} why`, ["Why this was reported"], false, rows([...(why ?? []), when])));
  return body;
}

// What was seen in the data: a bar for each share, in the colour of the level where it is what is wrong.
function barsOf({ color }, bars) {
  return bars.map(([label, share, isWrong]) => {
    const fill = `linear-gradient(90deg, ${isWrong ? "var(--level)" : color} ${100 * share}%, var(--soft) 0)`;
    return make("div.scale", colored("span.bar", fill), make("span.number", `${number(100 * share)} %`), label);
  });
}

function listOf(rows) {
  const said = rows.filter(([, text]) => text);
  return make("dl", ...said.flatMap(([head, text, ...more]) => [make("dt", head), make("dd", ...prose(text), ...more)]));
}

function codeOf(code, where) {
  const text = make("pre", make("code", ...broken(code, /(?<=\()/)));
  const copy = button("Copy", async () => {
    copy.textContent = (await copied(text)) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  }, "button.copy");
  return make("div.code", make("div.where", where, copy), text);
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

// What is said where no verdict asks for anything, and where a run has no news.
function calmOf(page) {
  const { calm, silent, checks, headline, where } = page.document;
  const [level, rows] = page.isOld ? ["watch", silent] : [headline.level, calm];
  const said = rows.map(([head, text, code]) => [head, text, ...(code ? [codeOf(code, where[code])] : [])]);
  const more = checks ? [checksOf(page, "", checks)] : [];
  const build = () => make(`div.verdict.calm.${level}`, make("div.body", listOf(said), ...more));
  return { key: "calm", content: [level, rows, checks], build };
}

// The checks of a run, in a fold.
export function checksOf(page, name, { text, lines }) {
  const fold = foldOf(page, `checks ${name}`, [text], false, ...lines.map((line) => make("div.muted", line)));
  fold.classList.add("checks");
  fold.onclick = (event) => event.stopPropagation(); // which would hide the run
  return fold;
}
