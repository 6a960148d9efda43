// Draws every .chart of a page from the Vega-Lite specification in it: what is in sight first, the rest when the
// browser has nothing else to do. No code is made from text (ast), so that a strict Content-Security-Policy holds.
const options = {
  mode: "vega-lite", renderer: "svg", ast: true, actions: false, defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
};
const waiting = new Map();

async function draw(chart) {
  const spec = waiting.get(chart);
  if (!spec) return;
  waiting.delete(chart);
  inSight.unobserve(chart);
  const picture = chart.querySelector(".picture");
  picture.replaceChildren();
  picture.setAttribute("aria-hidden", "true"); // what the picture shows stands in the label and in the table
  await window.vegaEmbed(picture, spec, options);
  chart.dataset.drawn = "";
}

const inSight = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
  { rootMargin: "300px" },
);

function find(root) {
  for (const chart of root.querySelectorAll(".chart:not([data-drawn])")) {
    if (waiting.has(chart)) continue;
    const spec = JSON.parse(chart.querySelector("script").textContent);
    waiting.set(chart, spec);
    if (typeof spec.height === "number") chart.style.minHeight = `${spec.height + 40}px`;
    inSight.observe(chart);
  }
  idle(drawNext);
}

async function drawNext() {
  for (const chart of waiting.keys()) {
    if (!chart.isConnected) { waiting.delete(chart); continue; }
    await draw(chart);
    return idle(drawNext);
  }
}

function idle(work) {
  (window.requestIdleCallback ?? ((later) => setTimeout(later, 50)))(work);
}

document.addEventListener("fresh", (event) => find(event.target));
window.addEventListener("beforeprint", () => [...waiting.keys()].forEach(draw));
find(document);
