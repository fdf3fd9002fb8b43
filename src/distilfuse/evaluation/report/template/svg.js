// Drawing: elements, scales, axes, markers.

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A drawing that shrinks with its paper; on the screen it is drawn anew instead. */
function makeDrawing(width, height) {
  return svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", tabindex: 0 });
}

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text) {
  ruler.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}

/** A text of at most so many pixels, cut in the middle: names differ at both ends. */
function shorten(text, width) {
  if (textWidth(text) <= width) return text;
  const letters = [...text];
  for (let kept = letters.length - 1; kept > 1; kept--) {
    const head = Math.ceil(kept / 2);
    const short = `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (kept - head)).join("")}`;
    if (textWidth(short) <= width) return short;
  }
  return "…";
}

/** A range a little wider than low..high, with about `count` round ticks in it: 1, 2 or 5 times a power of ten apart. */
function makeAxis(values, count) {
  let low = values.reduce((a, b) => Math.min(a, b));
  let high = values.reduce((a, b) => Math.max(a, b));
  const margin = (high - low) * 0.04 || Math.abs(low) * 0.1 || 1;
  [low, high] = [low - margin, high + margin];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [10, 5, 2, 1].map((factor) => factor * power).find((size) => size <= rough * 1.3);
  const ticks = [];
  for (let k = Math.ceil(low / step); k * step <= high; k++) ticks.push(k * step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { ticks, low, high, text: (tick) => tick.toFixed(decimals).replace("-", "−") };
}

const linear = (from, to, start, end) => (value) => start + ((value - from) / (to - from)) * (end - start);

// Colour and shape together tell methods apart: eight colours that colour-blind readers tell apart, seven shapes.
const SHAPES = [
  (r) => `M${-r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1 ${-r} 0Z`,
  (r) => `M${-r} ${-r}H${r}V${r}H${-r}Z`,
  (r) => `M0 ${-1.3 * r}L${1.2 * r} ${0.9 * r}H${-1.2 * r}Z`,
  (r) => `M0 ${-1.4 * r}L${1.4 * r} 0L0 ${1.4 * r}L${-1.4 * r} 0Z`,
  (r) => `M0 ${1.3 * r}L${1.2 * r} ${-0.9 * r}H${-1.2 * r}Z`,
  (r) => `M${-r} ${-0.4 * r}H${-0.4 * r}V${-r}H${0.4 * r}V${-0.4 * r}H${r}V${0.4 * r}H${0.4 * r}V${r}H${-0.4 * r}V${0.4 * r}H${-r}Z`,
  (r) => `M0 ${-1.3 * r}L${1.24 * r} ${-0.4 * r}L${0.76 * r} ${1.05 * r}H${-0.76 * r}L${-1.24 * r} ${-0.4 * r}Z`,
];
const COLOURS = 8;

function marker(method, x, y, radius, attributes = {}) {
  return svg("path", {
    d: SHAPES[method % SHAPES.length](radius),
    transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
    ...attributes,
    class: `method-${method % COLOURS} ${attributes.class ?? ""}`,
  });
}

/** The marker of a method as a small picture before its name. */
function badge(method) {
  return svg("svg", { class: "badge", viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true" }, marker(method, 0, 0, 4.5));
}

/** Redraw a chart when it comes near the screen, when what it shows changes, or when its width does. */
function keepDrawn(figure, draw) {
  let near = false;
  let drawn = "";
  const refresh = () => {
    const state = `${figure.clientWidth} ${shown.set} ${[...shown.hidden]} ${figure.dataset.choice ?? ""}`;
    if (!near || state === drawn || figure.clientWidth === 0) return;
    drawn = state;
    draw(figure.clientWidth);
  };
  new IntersectionObserver((entries) => {
    near = entries.some((entry) => entry.isIntersecting);
    refresh();
  }, { rootMargin: "600px" }).observe(figure);
  new ResizeObserver(refresh).observe(figure);
  window.addEventListener("beforeprint", () => {
    near = true;
    refresh();
  });
  onChange(refresh);
  return refresh;
}
