// A pool's addresses, 256 at a time, as a field of 16 by 16: what each is, by colour, and in words below.

import { make } from "./picture.js";

const SIDE = 20, ROW = 16, TOP = 14;
const STATES = {
  gateway: "gateway", bound: "bound to a container", reserved: "reserved, not bound yet",
  resting: "resting: it came back lately", kept: "kept for its owner", never: "never given",
};

export function drawField(map) {
  const found = new Map(map.cells.map((each) => [last(each.address), each]));
  const first = last(map.first), rows = Math.ceil(map.size / ROW);
  const counts = Object.keys(STATES)
    .map((state) => [map.cells.filter((each) => each.state === state).length, state])
    .filter(([count]) => count);
  const told = counts.map(([count, state]) => `${count} ${state}`).join(", ");
  const free = map.size - map.cells.length;
  const svg = make("svg", {
    class: "field", width: ROW * SIDE + 1, height: rows * SIDE + 1, role: "img",
    "aria-label": `${map.size} addresses from ${map.first}: ${told ? `${told}, ` : ""}${free} free`,
  });
  for (let number = 0; number < map.size; number += 1) {
    const cell = found.get((first + number) % 0x10000);
    const x = (number % ROW) * SIDE, y = Math.floor(number / ROW) * SIDE;
    const group = make("g");
    group.append(make("rect", { class: `cell ${cell ? cell.state : "free"}`, x: x + 1, y: y + 1, width: SIDE - 2, height: SIDE - 2, rx: 3 }));
    // The last part of each address, so that it can be found by looking.
    group.append(make("text", { class: cell ? "digits taken" : "digits", x: x + SIDE / 2, y: y + TOP }, digits(first + number, map.first)));
    group.append(make("title", {}, cell ? `${cell.address}: ${spokenCell(cell)}` : "free"));
    svg.append(group);
  }
  return svg;
}

export function spokenCell(cell) {
  return `${STATES[cell.state]}${cell.owner ? `, ${cell.owner}` : ""}`;
}

// The last 16 bits of an address: enough to tell 256 neighbours from each other.
function last(address) {
  if (address.includes(":")) {
    const tail = address.slice(address.lastIndexOf(":") + 1);
    return tail ? parseInt(tail, 16) : 0;
  }
  const [third, fourth] = address.split(".").slice(2).map(Number);
  return third * 256 + fourth;
}

function digits(number, address) {
  return address.includes(":") ? (number & 0xff).toString(16) : String(number & 0xff);
}
