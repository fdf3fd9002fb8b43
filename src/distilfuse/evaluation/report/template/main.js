// What is shown: the set and the methods, for all parts of the page at once.

function drawLegend() {
  document.getElementById("legend").replaceChildren(...currentSet().methods.map((method) => {
    const box = element("input", { type: "checkbox", checked: !shown.hidden.has(method) });
    box.onchange = () => {
      const hidden = new Set(shown.hidden);
      if (box.checked) hidden.delete(method);
      else hidden.add(method);
      // Charts and pictures of nothing help nobody: the last method stays.
      if (currentSet().methods.every((index) => hidden.has(index))) box.checked = true;
      else show({ hidden });
    };
    const name = report.methods[method];
    return element("label", { title: name }, box, badge(method), element("span", { className: "name", textContent: name }));
  }));
}

function start() {
  if (!report.sets.length) return;
  const select = document.getElementById("set");
  fillSelect(select, report.sets.map((set, index) => [index, `${set.name} (${set.pairs.length})`]), 0);
  select.onchange = () => {
    const set = Number(select.value);
    // A method that is alone in the other set must not stay switched off there.
    const hidden = report.sets[set].methods.every((method) => shown.hidden.has(method)) ? new Set() : shown.hidden;
    show({ set, hidden });
    drawLegend();
  };
  const nameSet = () => {
    for (const place of document.querySelectorAll(".set-name")) place.textContent = currentSet().name;
  };
  onChange(nameSet);
  nameSet();
  drawLegend();
  // What is scrolled to must not end up under the bar, which grows with the number of methods.
  const bar = document.querySelector(".bar");
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
  }).observe(bar);
  startTables();
  startBoxes();
  startScatter();
  startViewer();
  startBrowser();
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
  document.documentElement.classList.add("ready");
}

start();
