// Dots that can be pointed at, walked through with the arrow keys, and opened in the picture browser.

const tip = document.getElementById("tip");

/** How far from a dot, in pixels, the pointer still means it; fingers are less exact. */
const REACH = { mouse: 10, touch: 24, pen: 14 };

function hideTip() {
  tip.hidden = true;
}

/** Show the lines beside a point of the window, inside the window. */
function showTip(x, y, lines) {
  tip.replaceChildren(...lines.map((line, k) => element(k ? "div" : "strong", { textContent: line })));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const room = document.documentElement.clientWidth;
  tip.style.left = `${Math.max(4, x + 14 + width < room ? x + 14 : Math.min(x - width - 14, room - width - 4))}px`;
  tip.style.top = `${Math.max(4, y - height - 10)}px`;
}

/**
 * Make the dots of a drawing answer to pointer and keyboard.
 *
 * @param drawing the <svg>, focusable
 * @param dots [{x, y, method, pair, lines}] in pixels of the drawing, in the order in which arrow keys visit them
 */
function makeLive(drawing, dots) {
  const ring = svg("circle", { class: "ring", r: 7, visibility: "hidden" });
  drawing.append(ring);
  let current = -1;

  const unmark = () => {
    current = -1;
    ring.setAttribute("visibility", "hidden");
    hideTip();
  };
  const mark = (index) => {
    current = index;
    const { x, y, lines } = dots[index];
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    ring.setAttribute("visibility", "visible");
    const box = drawing.getBoundingClientRect();
    showTip(box.left + x, box.top + y, lines);
  };
  const nearest = (event) => {
    const box = drawing.getBoundingClientRect();
    let best = -1;
    let least = (REACH[event.pointerType] ?? REACH.mouse) ** 2;
    dots.forEach((dot, index) => {
      const distance = (event.clientX - box.left - dot.x) ** 2 + (event.clientY - box.top - dot.y) ** 2;
      if (distance < least) [best, least] = [index, distance];
    });
    return best;
  };
  const open = (index) => {
    const { pair, method } = dots[index];
    hideTip();
    openPair(pair, method);
  };

  drawing.onpointermove = (event) => {
    const found = nearest(event);
    drawing.classList.toggle("pointing", found >= 0);
    if (found < 0) unmark();
    else if (found !== current) mark(found);
  };
  drawing.onpointerleave = unmark;
  drawing.onblur = unmark;
  drawing.onclick = (event) => {
    const found = nearest(event);
    if (found >= 0) open(found);
  };
  drawing.onkeydown = (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps && dots.length) {
      mark(current < 0 ? 0 : (current + steps[event.key] + dots.length) % dots.length);
    } else if ((event.key === "Enter" || event.key === " ") && current >= 0) {
      open(current);
    } else if (event.key === "Escape") {
      unmark();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
}
