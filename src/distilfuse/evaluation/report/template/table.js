// Tables come with the page; here they learn to be sorted, and show each method's marker.

/** Rows by the number under a heading (or by name), the better first, then the other way round; no number last. */
function sortTable(table, heading) {
  const column = heading.cellIndex;
  const best = heading.dataset.better ?? "ascending";
  const turned = best === "descending" ? "ascending" : "descending";
  const order = heading.getAttribute("aria-sort") === best ? turned : best;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const sign = order === "ascending" ? 1 : -1;
  const key = (row) => row.cells[column].dataset.value;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    if (column === 0) return sign * left.localeCompare(right, undefined, { numeric: true });
    if (left === "" || right === "") return (left === "") - (right === "");
    return sign * (Number(left) - Number(right));
  });
  table.tBodies[0].append(...rows);
}

function startTables() {
  for (const table of document.querySelectorAll("table.scores")) {
    for (const heading of table.tHead.rows[0].cells) {
      heading.querySelector("button").onclick = () => sortTable(table, heading);
    }
    for (const row of table.tBodies[0].rows) {
      row.cells[0].prepend(badge(Number(row.dataset.method)));
    }
  }
  const details = document.getElementById("details");
  details.onchange = () => document.body.classList.toggle("with-details", details.checked);
  details.onchange();
}
