// Place nodes in four columns and draw them as SVG.  Texts are texts: nothing is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";
const COLUMNS = [
  { title: "host", x: 10, width: 170 },
  { title: "bridge or parent", x: 250, width: 200 },
  { title: "network", x: 520, width: 210 },
  { title: "container", x: 810, width: 290 },
];
const TOP = 34, GAP = 14, LINE = 17, PADDING = 9, PORT_HEIGHT = 17, LETTER = 6.3;
const WIDTH = 1120;

export function make(tag, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== null) made.textContent = text;
  return made;
}

// Where each node lies: containers below each other, all else beside the middle of what follows.
export function place(nodes, edges) {
  const boxes = new Map();
  for (const node of nodes) {
    const column = COLUMNS[node.column];
    const ports = portRows(node.ports, column.width - 2 * PADDING);
    const height = 2 * PADDING + LINE * (1 + node.lines.length) + ports.length * (PORT_HEIGHT + 3);
    boxes.set(node.id, { node, x: column.x, y: 0, width: column.width, height, ports });
  }
  const after = new Map(nodes.map((node) => [node.id, []]));
  for (const edge of edges) after.get(edge.start).push(edge.end);

  let bottom = TOP;
  const placed = new Set();
  for (const node of nodes.filter((each) => each.column === 2)) {
    const own = boxes.get(node.id);
    let y = bottom;
    for (const id of after.get(node.id)) {
      if (placed.has(id)) continue;
      placed.add(id);
      boxes.get(id).y = y;
      y += boxes.get(id).height + GAP;
    }
    const height = Math.max(own.height + GAP, y - bottom);
    own.y = bottom + (height - GAP - own.height) / 2;
    bottom += height;
  }
  for (const column of [1, 0]) {
    const own = nodes.filter((each) => each.column === column).map((each) => boxes.get(each.id));
    for (const box of own) {
      const next = after.get(box.node.id).map((id) => boxes.get(id));
      const first = Math.min(...next.map((each) => each.y));
      const last = Math.max(...next.map((each) => each.y + each.height));
      box.y = next.length ? (first + last - box.height) / 2 : TOP;
    }
    own.sort((one, other) => one.y - other.y);
    let free = TOP;
    for (const box of own) {
      box.y = Math.max(box.y, free);
      free = box.y + box.height + GAP;
    }
    bottom = Math.max(bottom, free);
  }
  return { boxes, height: bottom };
}

function portRows(ports, width) {
  const rows = [];
  let left = 0;
  for (const port of ports) {
    const size = port.text.length * LETTER + 12;
    if (!rows.length || left < size) {
      rows.push([]);
      left = width;
    }
    rows[rows.length - 1].push({ ...port, size });
    left -= size + 5;
  }
  return rows;
}

export function draw({ nodes, edges }, title, open) {
  const { boxes, height } = place(nodes, edges);
  const svg = make("svg", { width: WIDTH, height, viewBox: `0 0 ${WIDTH} ${height}`, role: "group", "aria-label": title });
  for (const column of COLUMNS) {
    svg.append(make("text", { class: "column", x: column.x, y: 18, "aria-hidden": "true" }, column.title));
  }
  for (const edge of edges) svg.append(drawEdge(edge, boxes));
  // In the order of the columns, which is that of the tabulator key, too.
  const order = [...nodes].sort((one, other) =>
    one.column - other.column || boxes.get(one.id).y - boxes.get(other.id).y);
  for (const node of order) svg.append(drawNode(boxes.get(node.id), open));
  svg.addEventListener("keydown", (event) => move(event, svg, order, edges));
  return svg;
}

function drawEdge(edge, boxes) {
  const from = boxes.get(edge.start), to = boxes.get(edge.end);
  const x1 = from.x + from.width, y1 = from.y + from.height / 2;
  const x2 = to.x, y2 = to.y + to.height / 2, middle = (x1 + x2) / 2;
  const group = make("g", { "aria-hidden": "true" });
  group.append(make("path", { class: `edge ${edge.state}`, d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}` }));
  if (edge.dropped) {
    // Beside the container, where no two lines cross.
    const text = String(edge.dropped), size = text.length * LETTER + 12, left = x2 - size - 5;
    group.append(make("rect", { class: "dropped", x: left, y: y2 - 9, width: size, height: 18, rx: 9 }));
    group.append(make("text", { class: "dropped-text", x: left + size / 2, y: y2 + 4 }, text));
  }
  return group;
}

function drawNode({ node, x, y, width, height, ports }, open) {
  const group = make("g", { class: node.state, tabindex: "0", role: "button", "aria-label": spoken(node), "data-id": node.id });
  group.append(make("title", {}, spoken(node)));
  group.append(make("rect", { class: "box", x, y, width, height, rx: 5 }));
  const sign = node.state === "drift" ? "! " : "";
  let line = y + PADDING + 12;
  group.append(make("text", { class: "name", x: x + PADDING, y: line }, cut(sign + node.label, width - 6)));
  for (const text of node.lines) {
    line += LINE;
    group.append(make("text", { class: "line", x: x + PADDING, y: line }, cut(text, width)));
  }
  line += 8;
  for (const row of ports) {
    let left = x + PADDING;
    for (const port of row) {
      group.append(make("rect", { class: port.served ? "port" : "port unserved", x: left, y: line, width: port.size, height: PORT_HEIGHT, rx: 8 }));
      group.append(make("text", { class: "port-text", x: left + 6, y: line + 12 }, port.text));
      left += port.size + 5;
    }
    line += PORT_HEIGHT + 3;
  }
  group.addEventListener("click", () => open(node.id));
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(node.id);
    }
  });
  return group;
}

function cut(text, width) {
  const most = Math.floor((width - 2 * PADDING) / LETTER);
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

// What a screen reader says of a node.
export function spoken(node) {
  const states = { ok: "", drift: "differs from what should be", away: "does not run" };
  const ports = node.ports.map((each) => `port ${each.text}${each.served ? "" : " not served"}`);
  const kind = ["host", "link", "network", "container"][node.column];
  return [`${kind} ${node.label}`, states[node.state], ...node.lines, ...ports, ...node.faults].filter(Boolean).join(", ");
}

function move(event, svg, order, edges) {
  const id = event.target.dataset?.id;
  const at = order.findIndex((each) => each.id === id);
  if (at < 0) return;
  const column = order.filter((each) => each.column === order[at].column);
  const row = column.indexOf(order[at]);
  const next = {
    ArrowDown: column[row + 1]?.id,
    ArrowUp: column[row - 1]?.id,
    ArrowRight: edges.find((each) => each.start === id)?.end,
    ArrowLeft: edges.find((each) => each.end === id)?.start,
    Home: order[0].id,
    End: order[order.length - 1].id,
  }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  focusOn(svg, next);
}

export function focusOn(svg, id) {
  for (const each of svg.querySelectorAll("g[data-id]")) {
    if (each.dataset.id === id) each.focus();
  }
}
