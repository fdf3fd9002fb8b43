// Scatter: two metrics of choice, one marker a pair and method, the methods' means on top.

const scatter = { x: 0, y: 0 };

function drawScatter(figure, width) {
  const set = currentSet();
  const height = Math.round(Math.min(Math.max(width * 0.6, 320), 520));
  const drawing = makeDrawing(width, height);
  const points = visibleMethods().map((method) => ({
    method,
    pairs: set.pairs
      .map((_, pair) => ({ pair, x: set.values[method][scatter.x][pair], y: set.values[method][scatter.y][pair] }))
      .filter((point) => isNumber(point.x) && isNumber(point.y)),
  }));
  const all = points.flatMap(({ pairs }) => pairs);
  if (!all.length) {
    drawing.append(svg("text", { x: 0, y: 20, class: "quiet" }, "No pair has finite values in both metrics."));
    figure.querySelector(".drawing").replaceChildren(drawing);
    return;
  }
  const across = makeAxis(all.map((point) => point.x), Math.max(3, width / 110));
  const upward = makeAxis(all.map((point) => point.y), height / 70);
  const left = Math.ceil(Math.max(...upward.ticks.map((tick) => textWidth(upward.text(tick))))) + 34;
  const bottom = height - 46;
  const x = linear(across.low, across.high, left, width - 18);
  const y = linear(upward.low, upward.high, bottom, 12);
  for (const tick of across.ticks) {
    drawing.append(
      svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: 12, y2: bottom }),
      svg("text", { class: "tick", x: x(tick), y: bottom + 17, "text-anchor": "middle" }, across.text(tick)),
    );
  }
  for (const tick of upward.ticks) {
    drawing.append(
      svg("line", { class: "grid", x1: left, x2: width - 18, y1: y(tick), y2: y(tick) }),
      svg("text", { class: "tick", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, upward.text(tick)),
    );
  }
  const middle = (12 + bottom) / 2;
  drawing.append(
    svg("text", { class: "axis", x: (left + width - 18) / 2, y: height - 8, "text-anchor": "middle" }, metricLabel(scatter.x)),
    svg("text", { class: "axis", transform: `translate(14 ${middle}) rotate(-90)`, "text-anchor": "middle" }, metricLabel(scatter.y)),
  );
  const dots = [];
  const means = [];
  const said = [];
  for (const { method, pairs } of points) {
    const name = report.methods[method];
    const cloud = svg("g", { opacity: seeThrough(pairs.length) });
    for (const point of pairs) {
      cloud.append(marker(method, x(point.x), y(point.y), 3.6, { class: "dot" }));
      const lines = [
        set.pairs[point.pair],
        name,
        `${metricLabel(scatter.x)} ${formatScore(scatter.x, point.x)}`,
        `${metricLabel(scatter.y)} ${formatScore(scatter.y, point.y)}`,
      ];
      dots.push({ x: x(point.x), y: y(point.y), method, pair: point.pair, lines });
    }
    if (!pairs.length) continue;
    drawing.append(cloud);
    const mean = (axis) => pairs.reduce((sum, point) => sum + point[axis], 0) / pairs.length;
    means.push(marker(method, x(mean("x")), y(mean("y")), 7, { class: "centre" }));
    said.push(`${name}: ${formatScore(scatter.x, mean("x"))} and ${formatScore(scatter.y, mean("y"))}`);
  }
  drawing.append(...means);
  dots.sort((a, b) => a.x - b.x || a.y - b.y);
  const axes = `${report.metrics[scatter.x].name} across and ${report.metrics[scatter.y].name} upward`;
  drawing.setAttribute("aria-label", `Scatter of ${axes} on ${set.name}. Means: ${said.join("; ")}. Arrow keys go through the pairs.`);
  makeLive(drawing, dots);
  figure.querySelector(".drawing").replaceChildren(drawing);
}

function startScatter() {
  const figure = document.getElementById("scatter-figure");
  const names = report.metrics.map((metric) => metric.name);
  // Where over-sharpening shows: VIF grows, Qabf falls.
  scatter.x = Math.max(0, names.indexOf("VIF"));
  scatter.y = names.indexOf("Qabf") >= 0 ? names.indexOf("Qabf") : Math.min(1, names.length - 1);
  if (scatter.x === scatter.y && names.length > 1) scatter.x = scatter.y ? 0 : 1;
  const refresh = keepDrawn(figure, (width) => drawScatter(figure, width));
  for (const axis of ["x", "y"]) {
    const select = document.getElementById(`scatter-${axis}`);
    fillSelect(select, names.map((_, index) => [index, metricLabel(index)]), scatter[axis]);
    select.onchange = () => {
      scatter[axis] = Number(select.value);
      figure.dataset.choice = `${scatter.x} ${scatter.y}`;
      refresh();
    };
  }
}
