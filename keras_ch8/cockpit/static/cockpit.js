// The page of a training: what is wrong, what cures it, and the curves. A pure function of one document.
import uPlot from "./vendor/uPlot.js";

export function render(document, element) {
  element.textContent = `${document.title}: ${document.runs.length} runs (uPlot ${typeof uPlot})`;
}
