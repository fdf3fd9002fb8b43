// The pictures of one pair side by side, zoomed and moved together.

const LARGEST_ZOOM = 32;
/** Which part of every picture is seen: the picture's left upper corner in parts of a window, and the magnification. */
const zoom = { scale: 1, left: 0, top: 0 };

const tiles = document.getElementById("tiles");

function applyZoom() {
  const { scale, left, top } = zoom;
  for (const window of tiles.querySelectorAll(".window")) {
    window.classList.toggle("zoomed", scale > 1);
    const picture = window.querySelector("img");
    if (!picture) continue;
    picture.style.transform = `translate(${left * 100}%, ${top * 100}%) scale(${scale})`;
    // Once pixels are large, show them as they are.
    const enlarged = (scale * window.clientWidth) / (picture.naturalWidth || window.clientWidth);
    picture.style.imageRendering = enlarged >= 3 ? "pixelated" : "auto";
  }
  document.getElementById("zoom-level").textContent = `${Math.round(scale * 100)} %`;
  document.getElementById("zoom-out").disabled = scale <= 1;
  document.getElementById("zoom-in").disabled = scale >= LARGEST_ZOOM;
}

/** Magnify by a factor so that the point (x, y), in parts of the window, stays where it is. */
function zoomAt(x, y, factor) {
  const scale = Math.min(LARGEST_ZOOM, Math.max(1, zoom.scale * factor));
  const change = scale / zoom.scale;
  zoom.scale = scale;
  moveTo(x - (x - zoom.left) * change, y - (y - zoom.top) * change);
}

/** Put the picture's corner there, but leave no gap at the window's edges. */
function moveTo(left, top) {
  zoom.left = Math.min(0, Math.max(1 - zoom.scale, left));
  zoom.top = Math.min(0, Math.max(1 - zoom.scale, top));
  applyZoom();
}

function resetZoom() {
  Object.assign(zoom, { scale: 1, left: 0, top: 0 });
  applyZoom();
}

/** Wheel, drag and pinch on one window move all of them. */
function followPointers(window) {
  const fingers = new Map();
  const place = (event) => {
    const box = window.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  };
  const middle = () => {
    const [a, b = a] = fingers.values();
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  window.addEventListener("wheel", (event) => {
    if (event.deltaY > 0 && zoom.scale <= 1) return; // fitted: the page scrolls on
    event.preventDefault();
    const { x, y } = place(event);
    zoomAt(x, y, 2 ** (-Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), 120) / 240));
  }, { passive: false });
  window.onpointerdown = (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, place(event));
    window.setPointerCapture(event.pointerId);
  };
  window.onpointermove = (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = middle();
    fingers.set(event.pointerId, place(event));
    const after = middle();
    moveTo(zoom.left + after.x - before.x, zoom.top + after.y - before.y);
    if (fingers.size === 2 && before.apart > 0) zoomAt(after.x, after.y, after.apart / before.apart);
  };
  window.onpointerup = window.onpointercancel = (event) => fingers.delete(event.pointerId);
  window.ondblclick = (event) => {
    const { x, y } = place(event);
    if (zoom.scale > 1) resetZoom();
    else zoomAt(x, y, 4);
  };
}

function makeTile(label, address, reason, method, scores) {
  const window = element("div", { className: "window" });
  if (address) {
    // Dragging is ours, not the browser's picture dragging.
    const picture = element("img", { src: address, alt: label, draggable: false });
    picture.onload = () => {
      window.style.aspectRatio = `${picture.naturalWidth} / ${picture.naturalHeight}`;
      applyZoom();
    };
    window.append(picture);
    followPointers(window);
  } else {
    window.append(element("span", { className: "absent", textContent: reason ?? "There is no picture." }));
  }
  const caption = element("figcaption", {}, element("span", { className: "name", textContent: label, title: label }));
  if (method !== null) {
    caption.prepend(badge(method));
    caption.append(element("span", { className: "score", textContent: scores }));
  }
  return element("figure", { className: "tile" }, window, caption);
}

/** Show a pair: both sources, then every method that is switched on. */
function showTiles(set, pair, metric, chosenMethod) {
  const entry = picturesOf(set, pair);
  const { sources } = report.sets[set];
  if (!entry) {
    tiles.replaceChildren();
    return;
  }
  const views = [
    ...sources.map((label, view) => ({ label, view, method: null })),
    ...visibleMethods().map((method) => ({ label: report.methods[method], view: method + sources.length, method })),
  ];
  tiles.replaceChildren(...views.map(({ label, view, method }) => {
    const score = method === null ? "" : `${report.metrics[metric].name} ${formatScore(metric, scoreOf(set, method, metric, pair))}`;
    const tile = makeTile(label, entry.views[view], entry.reasons[view], method, score);
    tile.classList.toggle("chosen", method !== null && method === chosenMethod);
    return tile;
  }));
  applyZoom();
}

function startViewer() {
  const controls = {
    "zoom-in": () => zoomAt(0.5, 0.5, 1.5),
    "zoom-out": () => zoomAt(0.5, 0.5, 1 / 1.5),
    "zoom-fit": resetZoom,
  };
  for (const [id, act] of Object.entries(controls)) document.getElementById(id).onclick = act;
  const size = document.getElementById("tile-size");
  const resize = () => {
    tiles.style.setProperty("--tile", `${size.value}px`);
    applyZoom();
  };
  size.oninput = resize;
  if (document.documentElement.clientWidth < 700) size.value = size.min;
  resize();
}
