// Box plots: one drawing a metric, one box a method, one dot a pair.

const ROW = 38;
const HALF_BOX = 11;

/** Quantile of ascending numbers, linear between neighbours (as numpy's default). */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** Quartiles, mean, and whiskers to the last pairs within one and a half boxes (Tukey). */
function boxOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share));
  const reach = 1.5 * (q3 - q1);
  return {
    q1,
    median,
    q3,
    low: sorted.find((value) => value >= q1 - reach),
    high: sorted.findLast((value) => value <= q3 + reach),
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
  };
}

/** Up and down within the box, evenly and always alike: overlapping dots part. */
const spread = (index) => ((index * 0.618034) % 1) * 2 - 1;

/** The more dots, the fainter each: a crowd must not hide its box. */
const seeThrough = (count) => Math.min(0.7, Math.max(0.25, 6 / Math.sqrt(count))).toFixed(2);

/** The parts of one box on its row. */
function drawBox(box, method, x, middle) {
  const [top, bottom] = [middle - HALF_BOX, middle + HALF_BOX];
  const [low, q1, median, q3, high, mean] = [box.low, box.q1, box.median, box.q3, box.high, box.mean].map(x);
  return [
    svg("path", { class: `box method-${method % COLOURS}`, d: `M${q1} ${top}H${q3}V${bottom}H${q1}Z` }),
    svg("path", {
      class: "whisker",
      d: `M${low} ${middle}H${q1}M${q3} ${middle}H${high}M${low} ${middle - 5}v10M${high} ${middle - 5}v10`,
    }),
    svg("line", { class: "median", x1: median, x2: median, y1: top, y2: bottom }),
    svg("path", { class: "mean", d: SHAPES[3](3.4), transform: `translate(${mean} ${middle})` }),
  ];
}

function drawBoxes(metric, figure, width) {
  const set = currentSet();
  const methods = visibleMethods();
  const names = methods.map((method) => report.methods[method]);
  const gutter = Math.ceil(Math.min(Math.max(...names.map(textWidth), 20) + 32, width * 0.38));
  const height = methods.length * ROW + 34;
  const finite = methods.flatMap((method) => set.values[method][metric].filter(isNumber));
  const drawing = makeDrawing(width, height);
  if (!finite.length) {
    drawing.append(svg("text", { x: 0, y: 20, class: "quiet" }, "No finite values."));
    figure.querySelector(".drawing").replaceChildren(drawing);
    return;
  }
  const axis = makeAxis(finite, Math.max(3, (width - gutter) / 75));
  const x = linear(axis.low, axis.high, gutter + 6, width - 18);
  const bottom = height - 26;
  for (const tick of axis.ticks) {
    drawing.append(
      svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: 4, y2: bottom }),
      svg("text", { class: "tick", x: x(tick), y: bottom + 17, "text-anchor": "middle" }, axis.text(tick)),
    );
  }
  const dots = [];
  const said = [];
  methods.forEach((method, k) => {
    const middle = 4 + (k + 0.5) * ROW;
    const name = report.methods[method];
    const values = set.values[method][metric];
    const label = svg("text", { class: "label", x: 20, y: middle + 4 }, shorten(name, gutter - 26));
    label.append(svg("title", {}, name));
    drawing.append(marker(method, 8, middle, 4.5), label);
    if (!values.some(isNumber)) return;
    const cloud = svg("g", { opacity: seeThrough(values.length) });
    values.forEach((value, pair) => {
      if (!isNumber(value)) return;
      const y = middle + spread(pair) * (HALF_BOX - 3);
      cloud.append(svg("circle", { class: `dot method-${method % COLOURS}`, cx: x(value).toFixed(1), cy: y.toFixed(1), r: 2.2 }));
      const lines = [set.pairs[pair], `${name}: ${metricLabel(metric)} ${formatScore(metric, value)}`];
      dots.push({ x: x(value), y, method, pair, lines });
    });
    const box = boxOf(values.filter(isNumber));
    drawing.append(cloud, ...drawBox(box, method, x, middle));
    said.push(`${name}: median ${formatScore(metric, box.median)}, quartiles ${formatScore(metric, box.q1)} to ${formatScore(metric, box.q3)}`);
  });
  drawing.setAttribute("aria-label", `Box plot of ${report.metrics[metric].name} on ${set.name}. ${said.join("; ")}. Arrow keys go through the pairs.`);
  makeLive(drawing, dots);
  figure.querySelector(".drawing").replaceChildren(drawing);
}

function startBoxes() {
  const grid = document.getElementById("boxes");
  report.metrics.forEach((metric, index) => {
    const caption = element("figcaption", {}, element("strong", { textContent: metricLabel(index) }), ` ${metric.title}`);
    if (metric.unit) caption.append(` (${metric.unit})`);
    const figure = element("figure", { className: "chart" }, caption, element("div", { className: "drawing" }));
    figure.dataset.metric = metric.name;
    grid.append(figure);
    keepDrawn(figure, (width) => drawBoxes(index, figure, width));
  });
}
