// Which pair is looked at: order, search, list, next and previous.

const browser = { section: document.getElementById("pictures"), pair: null, method: null, listed: [] };
const field = (id) => document.getElementById(id);

/** The score that places a pair: one method's, or the worst of all that are switched on. */
function placingScore(pair) {
  const metric = Number(field("order-metric").value);
  const method = field("order-method").value;
  if (method !== "any") return scoreOf(shown.set, Number(method), metric, pair);
  const scores = visibleMethods().map((index) => scoreOf(shown.set, index, metric, pair)).filter((score) => score !== null);
  return scores.length ? scores.reduce((worst, score) => (isWorse(metric, score, worst) ? score : worst)) : null;
}

/** Pairs of the current set that match the search, in the order asked for; those without a score last. */
function listPairs() {
  const metric = Number(field("order-metric").value);
  const direction = field("order-kind").value;
  const wanted = field("search").value.trim().toLowerCase();
  const onlyPictures = field("with-pictures").checked;
  const entries = currentSet().pairs
    .map((name, pair) => ({ name, pair, score: placingScore(pair), pictured: Boolean(picturesOf(shown.set, pair)) }))
    .filter(({ name, pictured }) => name.toLowerCase().includes(wanted) && (pictured || !onlyPictures));
  const byName = (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true });
  return entries.sort((a, b) => {
    if (direction === "name") return byName(a, b);
    if (a.score === null || b.score === null) return (a.score === null) - (b.score === null) || byName(a, b);
    if (a.score === b.score) return byName(a, b);
    return isWorse(metric, a.score, b.score) === (direction === "worst") ? -1 : 1;
  });
}

function drawList() {
  browser.listed = listPairs();
  const metric = Number(field("order-metric").value);
  const list = field("pair-list");
  list.replaceChildren(...browser.listed.map(({ name, pair, score, pictured }) => {
    const button = element("button", { type: "button", title: name, className: pictured ? "" : "unpictured" },
      element("span", { className: "name", textContent: name }),
      element("span", { className: "score", textContent: formatScore(metric, score) }));
    button.setAttribute("aria-current", String(pair === browser.pair));
    button.onclick = () => choosePair(pair);
    return element("li", {}, button);
  }));
  field("no-pairs").hidden = browser.listed.length > 0;
}

/** The scores of the pair, every method and metric, the best of each metric in bold. */
function drawPairScores() {
  const { pair } = browser;
  const methods = visibleMethods();
  const best = report.metrics.map((_, metric) => {
    const scores = methods.map((method) => scoreOf(shown.set, method, metric, pair)).filter((score) => score !== null);
    return scores.length > 1 ? scores.reduce((top, score) => (isWorse(metric, top, score) ? score : top)) : null;
  });
  const head = element("tr", {}, element("th", { scope: "col", textContent: "Method" }),
    ...report.metrics.map((_, metric) => element("th", { scope: "col", textContent: metricLabel(metric) })));
  const body = methods.map((method) => {
    const cells = report.metrics.map((_, metric) => {
      const score = scoreOf(shown.set, method, metric, pair);
      const text = formatScore(metric, score);
      return element("td", {}, score !== null && score === best[metric] ? element("b", { textContent: text }) : text);
    });
    const name = element("th", { scope: "row" }, badge(method), report.methods[method]);
    return element("tr", {}, name, ...cells);
  });
  field("pair-scores").replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
}

function drawPair() {
  const { pair } = browser;
  const place = browser.listed.findIndex((entry) => entry.pair === pair);
  field("previous").disabled = field("next").disabled = browser.listed.length < 2;
  field("position").textContent = place < 0 ? `${browser.listed.length} listed` : `${place + 1} of ${browser.listed.length}`;
  field("pair").hidden = pair === null;
  if (pair === null) return;
  const set = currentSet();
  field("pair-name").textContent = set.pairs[pair];
  showTiles(shown.set, pair, Number(field("order-metric").value), browser.method);
  field("not-embedded").hidden = Boolean(picturesOf(shown.set, pair));
  const problems = set.problems[pair] ?? [];
  field("pair-problems").replaceChildren(...problems.map((text) => element("li", { textContent: text })));
  drawPairScores();
}

function choosePair(pair) {
  if (pair !== browser.pair) resetZoom();
  browser.pair = pair;
  field("pair-list").querySelectorAll("button").forEach((button, index) => {
    const current = browser.listed[index].pair === pair;
    button.setAttribute("aria-current", String(current));
    // Only the list itself may scroll: scrollIntoView would move the page under the reader's hand.
    const list = field("pair-list");
    if (current) list.scrollTop += Math.min(0, button.offsetTop - list.scrollTop) + Math.max(0, button.offsetTop + button.offsetHeight - list.scrollTop - list.clientHeight);
  });
  drawPair();
}

function step(by) {
  const { listed } = browser;
  if (!listed.length) return;
  const place = listed.findIndex((entry) => entry.pair === browser.pair);
  const next = place < 0 ? (by > 0 ? 0 : listed.length - 1) : (place + by + listed.length) % listed.length;
  choosePair(listed[next].pair);
}

/** Bring up a pair of the current set from elsewhere on the page, with one method's picture marked. */
function openPair(pair, method) {
  browser.method = method;
  if (!browser.listed.some((entry) => entry.pair === pair)) {
    field("search").value = "";
    if (!picturesOf(shown.set, pair)) field("with-pictures").checked = false;
    drawList();
  }
  choosePair(pair);
  field("browser").scrollIntoView({ block: "start" });
  browser.section.focus({ preventScroll: true });
}

/** After a change of set, methods, order or search: the same pair if it is still listed, else the first. */
function refreshBrowser() {
  const offered = ["any", ...visibleMethods().map(String)];
  const chosen = field("order-method").value;
  fillSelect(field("order-method"), offered.map((value) => [value, value === "any" ? "any method" : report.methods[value]]),
    offered.includes(chosen) ? chosen : "any");
  drawList();
  const kept = browser.listed.some((entry) => entry.pair === browser.pair);
  choosePair(kept ? browser.pair : (browser.listed[0]?.pair ?? null));
}

function onBrowserKey(event) {
  const outside = document.activeElement !== document.body && !browser.section.contains(document.activeElement);
  if (outside || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]), select, textarea")) return;
  const acts = {
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    "+": () => zoomAt(0.5, 0.5, 1.5),
    "=": () => zoomAt(0.5, 0.5, 1.5),
    "-": () => zoomAt(0.5, 0.5, 1 / 1.5),
    0: resetZoom,
  };
  const moves = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  if (event.shiftKey && event.key in moves) moveTo(zoom.left + moves[event.key][0], zoom.top + moves[event.key][1]);
  else if (event.key in acts) acts[event.key]();
  else return;
  event.preventDefault();
}

function startBrowser() {
  let set = shown.set;
  fillSelect(field("order-metric"), report.metrics.map((_, index) => [index, metricLabel(index)]), report.quality);
  field("with-pictures").checked = report.pictures.length > 0;
  field("with-pictures").disabled = report.pictures.length === 0;
  for (const id of ["order-kind", "order-metric", "order-method"]) {
    field(id).onchange = () => {
      browser.pair = null; // a new order is looked at from its beginning
      refreshBrowser();
    };
  }
  field("search").oninput = field("with-pictures").onchange = refreshBrowser;
  field("next").onclick = () => step(1);
  field("previous").onclick = () => step(-1);
  document.addEventListener("keydown", onBrowserKey);
  onChange(() => {
    if (set !== shown.set) Object.assign(browser, { pair: null, method: null });
    set = shown.set;
    refreshBrowser();
  });
  refreshBrowser();
}
