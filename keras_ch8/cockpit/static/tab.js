// The host of the page in TensorBoard: fetches the document while somebody looks, and hands on whether it is dark.
import { render as draw } from "./cockpit.js";

const EVERY = 3000; // milliseconds: TensorBoard reads its files every five seconds, and ten are the most in all
const STYLES = ["./static/cockpit.css"];

export function render() {
  for (const href of STYLES) {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    document.head.append(link);
  }
  const page = document.createElement("main");
  const notice = document.createElement("p");
  notice.setAttribute("role", "status");
  document.body.style.margin = "0";
  document.body.append(notice, page);
  followTheme();

  let token = "";
  let live = true;
  let asks = false;
  const say = (text) => {
    notice.textContent = text;
    notice.hidden = !text;
  };

  async function look() {
    if (asks || innerHeight === 0) return; // TensorBoard keeps the frame of a tab that is not shown, without a height
    asks = true;
    try {
      const answer = await fetch(`./document?since=${token}`);
      if (!answer.ok) throw new Error(`it answers ${answer.status}`);
      const newest = await answer.json();
      if (!newest.unchanged) {
        ({ token, live } = newest);
        draw(newest, page, true);
      }
      say(page.childElementCount ? "" : "No run of keras_ch8 yet.");
    } catch (error) {
      say(`TensorBoard cannot be asked: ${error.message}. What is shown may be old.`);
    } finally {
      asks = false;
    }
  }

  setInterval(() => live && look(), EVERY);
  for (const event of ["resize", "focus", "visibilitychange"]) addEventListener(event, look);
  onReload(look);
  look();
}

// TensorBoard has no way to tell a tab its theme, but both are of one origin.
function followTheme() {
  try {
    const theirs = parent.document.body;
    const follow = () => {
      const dark = theirs.classList.contains("dark-mode");
      document.documentElement.classList.toggle("dark", dark);
      document.documentElement.classList.toggle("light", !dark);
    };
    new MutationObserver(follow).observe(theirs, { attributeFilter: ["class"] });
    follow();
  } catch {
    // A notebook that shows TensorBoard from elsewhere: the page then goes by what the system prefers.
  }
}

// TensorBoard says by a message when it has read its data again (`experimental/plugin_lib` of its sources).
function onReload(look) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = (event) => {
    const { type, id, isReply } = JSON.parse(event.data);
    if (isReply) return;
    if (type === "experimental.DataReloaded") look();
    port1.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: true }));
  };
  parent.postMessage("experimental.bootstrap", "*", [port2]);
}
