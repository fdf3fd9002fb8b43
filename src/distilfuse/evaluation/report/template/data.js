// The numbers of the report and what is chosen to be seen of them.

/** An infinite score is a text in JSON, which has no number for it; a missing one is null. */
const INFINITE = { inf: Infinity, "-inf": -Infinity };

/**
 * protocol, quality (metric's index), metrics [{name, title, arrow, higher, unit, decimals}], methods [name],
 * sets [{name, sources: [label, label], methods: [index], pairs: [name], problems: {pair: [text]},
 *        values: [method][metric][pair], null for a method without rows in the set}],
 * pictures [{set, pair, views: [address or null: visible, infrared, then one a method], reasons: {view: text}}]
 */
const report = JSON.parse(document.getElementById("report-data").textContent);
for (const set of report.sets) {
  set.values = set.values.map((metrics) => metrics?.map((pairs) => pairs.map((value) => INFINITE[value] ?? value)));
}

/** What all parts of the page show: one set, some methods. */
const shown = { set: 0, hidden: new Set() };
const redraws = [];

function onChange(redraw) {
  redraws.push(redraw);
}

function show(change) {
  Object.assign(shown, change);
  for (const redraw of redraws) redraw();
}

const currentSet = () => report.sets[shown.set];

/** Indices of the methods that have scores in the current set and are not switched off. */
const visibleMethods = () => currentSet().methods.filter((method) => !shown.hidden.has(method));

const scoreOf = (set, method, metric, pair) => report.sets[set].values[method]?.[metric][pair] ?? null;

/** Whether score a is worse than b; missing scores are neither. */
const isWorse = (metric, a, b) => (report.metrics[metric].higher ? a < b : a > b);

const picturesOf = (set, pair) => report.pictures.find((entry) => entry.set === set && entry.pair === pair);

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

function formatScore(metric, value) {
  if (value === null) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return value.toFixed(report.metrics[metric].decimals).replace("-", "−");
}

const metricLabel = (metric) => `${report.metrics[metric].name} ${report.metrics[metric].arrow}`;

/** Fill a <select>; entries are [value, text]. */
function fillSelect(select, entries, chosen) {
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value, false, String(value) === String(chosen))));
}

/** An HTML element with text and properties, text never read as HTML. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
