// Tables that are updated in place, so that neither the focus nor a selection is lost. Whatever a
// client sent or a file holds gets here as text, and stays text: textContent alone.

const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const whole = (count) => Number(count).toLocaleString("en");

function short(count) {
  for (const [unit, size] of [["T", 1e12], ["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (count >= size) return `${(count / size).toPrecision(3)} ${unit}`;
  }
  return count >= 100 || Number.isInteger(count) ? String(Math.round(count)) : count.toPrecision(2);
}

// `266/s`, `8.29 kB/s`, `55 B/s`.
function withUnit(count, unit) {
  const text = short(count);
  return unit.startsWith("/") || text.includes(" ") ? text + unit : `${text} ${unit}`;
}

function duration(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two((seconds % 3600) / 60)} m`;
  return `${Math.floor(seconds / 86400)} d ${two((seconds % 86400) / 3600)} h`;
}

// A column: {name, title, show(row), number, wide, sorts, action(row)}.
class LiveTable {
  constructor(id, columns, { key, onSort } = {}) {
    this.columns = columns;
    this.key = key ?? ((row) => row[columns[0].name]);
    this.rows = new Map();
    const head = element("tr");
    for (const column of columns) head.append(this.heading(column, onSort));
    this.body = element("tbody");
    byId(id).replaceChildren(element("thead", {}, head), this.body);
  }

  heading(column, onSort) {
    const cell = element("th", { scope: "col", className: this.classOf(column) });
    if (!column.sorts) {
      cell.textContent = column.title;
      return cell;
    }
    cell.dataset.column = column.name;
    cell.append(element("button", { type: "button", textContent: column.title,
      onclick: () => onSort(column.name) }));
    return cell;
  }

  classOf(column) {
    return [column.number && "number", column.wide && "wide", column.text && "text"]
      .filter(Boolean).join(" ");
  }

  showSort(sort) {
    const name = sort.replace(/^-/, "");
    for (const cell of this.body.parentNode.querySelectorAll("th[data-column]")) {
      if (cell.dataset.column === name) {
        cell.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      } else {
        cell.removeAttribute("aria-sort");
      }
    }
  }

  make(row) {
    const line = element("tr");
    for (const column of this.columns) {
      const cell = element("td", { className: this.classOf(column) });
      if (column.action) cell.append(column.action(row));
      line.append(cell);
    }
    return line;
  }

  fill(line, row) {
    this.columns.forEach((column, index) => {
      if (!column.action) setText(line.cells[index], column.show ? column.show(row) : String(row[column.name]));
    });
  }

  update(rows) {
    const focused = document.activeElement;
    const kept = new Map();
    rows.forEach((row, index) => {
      const key = String(this.key(row));
      const line = this.rows.get(key) ?? this.make(row);
      this.fill(line, row);
      kept.set(key, line);
      if (this.body.children[index] !== line) this.body.insertBefore(line, this.body.children[index] ?? null);
    });
    for (const [key, line] of this.rows) {
      if (kept.get(key) !== line) line.remove();
    }
    this.rows = kept;
    if (focused !== document.activeElement && focused?.isConnected) focused.focus();
  }
}
