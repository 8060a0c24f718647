// Show what pynet ui sends: each event is the whole picture, once something in it has changed.

import { drawField, spokenCell } from "./addresses.js";
import { draw, focusOn } from "./picture.js";

// The first is sent; the second is what pynet ui answers with, and no other program knows.
const [key, answerKey] = location.hash.slice(1).split(".");
const WRONG_KEY = "the key is not that of this pynet ui; open the address that it printed";
const STRANGER = "another program answers here, so pynet ui has ended: close this page, do not reload it";
const $ = (id) => document.getElementById(id);
let now = null; // what was sent last
let open = null; // the node whose details are shown
let drawn = ""; // what the picture shows
let drawnPools = ""; // what the table of pools shows
let pool = null; // whose addresses are shown
let block = ""; // the first of those
let ended = false; // who answers is not pynet ui, and is not asked again

function element(tag, text, name = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

async function ask(path, values) {
  if (ended) throw new Error(STRANGER);
  const answer = await fetch(`${path}?${new URLSearchParams({ ...values, key })}`);
  if (!isPynet(answer)) throw new Error(STRANGER);
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.json();
}

function isPynet(answer) {
  return answer.headers.get("Pynet-Answer-Key") === answerKey;
}

function say(text, bad) {
  $("status").textContent = text;
  $("status").className = bad ? "bad" : "";
}

function show(sent) {
  if (sent.away) {
    say(`No news: ${sent.away}`, true);
    return;
  }
  now = sent;
  document.title = `${sent.status === "ok" ? "" : "! "}pynet ${sent.host}`;
  $("host").textContent = sent.host;
  say(`pynet ${sent.version}: ${sent.status}`, sent.status !== "ok");
  showPicture(sent);
  showProblems(sent);
  showPools(sent.pools);
  showDrops(sent.drops);
  if (open) showDetails();
}

function showPicture(sent) {
  const text = JSON.stringify([sent.nodes, sent.edges]);
  if (text === drawn) return;
  drawn = text;
  const focused = document.activeElement?.dataset?.id;
  const svg = draw(sent, `Networks of host ${sent.host}`, openDetails);
  $("picture").replaceChildren(svg);
  if (focused) focusOn(svg, focused);
}

function showProblems(sent) {
  const told = sent.degraded.map((each) => `${each.what}: ${each.why}. ${each.remedy}`);
  if (sent.compared) told.push(sent.compared);
  for (const each of sent.differences) {
    told.push(`${each.name || each.network || "host"}: ${each.kind} ${each.which}: ${each.fault}`);
  }
  told.push(...sent.hints);
  $("problems").hidden = told.length === 0;
  $("problems-list").replaceChildren(...told.map((each) => element("li", each)));
}

function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells.map((each) => (each instanceof Node ? each : element("td", each))));
  return made;
}

function showPools(pools) {
  const text = JSON.stringify(pools);
  if (text === drawnPools) return;
  drawnPools = text;
  const focused = document.activeElement?.dataset?.pool;
  if (!pools.some((each) => each.id === pool)) {
    pool = pools.length ? pools[0].id : null;
    block = "";
  }
  drawPools(pools);
  if (focused) [...document.querySelectorAll("button.pool")].find((each) => each.dataset.pool === focused)?.focus();
  showAddresses();
}

function poolCell(each) {
  const button = element("button", each.prefix, "pool");
  button.type = "button";
  button.dataset.pool = each.id;
  button.setAttribute("aria-pressed", String(each.id === pool));
  button.addEventListener("click", () => {
    pool = each.id;
    block = "";
    for (const other of document.querySelectorAll("button.pool")) {
      other.setAttribute("aria-pressed", String(other.dataset.pool === pool));
    }
    showAddresses();
  });
  const cell = document.createElement("td");
  cell.append(button);
  return cell;
}

async function showAddresses() {
  $("map").hidden = $("held").hidden = pool === null;
  if (pool === null) return;
  const wanted = [pool, block];
  let map = null;
  try {
    map = await ask("/addresses", { pool, at: block });
  } catch (error) {
    $("map-title").textContent = error.message;
    $("field").replaceChildren();
    $("held").hidden = true;
    return;
  }
  if (wanted[0] !== pool || wanted[1] !== block) return; // another one is shown by now
  $("map-title").textContent = map.prefix;
  const firsts = map.blocks.map((each) => each.first);
  $("blocks-label").hidden = firsts.length < 2;
  $("blocks").replaceChildren(...firsts.map((each) => new Option(each, each, false, each === map.first)));
  $("field").replaceChildren(drawField(map));
  const held = map.cells.filter((each) => each.state !== "never");
  $("held").hidden = held.length === 0;
  $("held").tBodies[0].replaceChildren(...held.map((each) => row([each.address, spokenCell(each)])));
}

function drawPools(pools) {
  $("pools").tBodies[0].replaceChildren(...pools.map((each) => {
    const used = Object.values(each.addresses).reduce((sum, count) => sum + count, 0);
    const free = each.free === null ? "" : `${each.free} of ${each.size}`;
    const network = each.network_name || (each.network || "").slice(0, 12);
    return row([poolCell(each), network, element("td", used, "number"), element("td", free, "number")]);
  }));
}

function showDrops(drops) {
  $("drops").hidden = drops.length === 0;
  $("no-drops").hidden = drops.length !== 0;
  $("drops").tBodies[0].replaceChildren(...drops.map((each) =>
    row([element("td", each.packets, "number"), each.reason, each.what, each.remedy])));
}

function openDetails(id) {
  open = id;
  showDetails();
  showExplained();
  $("details").hidden = false;
  $("details-title").focus();
}

function showDetails() {
  const node = now.nodes.find((each) => each.id === open);
  if (!node) {
    closeDetails();
    return;
  }
  $("details-title").textContent = node.label;
  $("faults").replaceChildren(...node.faults.map((each) => element("li", each)));
  const facts = node.facts.flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  $("facts").replaceChildren(...facts);
}

async function showExplained() {
  const node = now.nodes.find((each) => each.id === open);
  $("explained").hidden = node.explain.length === 0;
  const lines = [];
  for (const id of node.explain) {
    try {
      for (const part of await ask("/explain", { id, lang: $("language").value })) {
        for (const step of part.steps) lines.push(`# ${step.why}`, ...(step.command ? [step.command] : []));
      }
    } catch (error) {
      lines.push(`# ${error.message}`);
    }
  }
  if (node.id === open) $("commands").textContent = lines.join("\n");
}

function closeDetails() {
  const id = open;
  open = null;
  $("details").hidden = true;
  const svg = $("picture").querySelector("svg");
  if (svg && id) focusOn(svg, id);
}

function follow() {
  if (!answerKey) {
    say(`No news: ${WRONG_KEY}`, true);
    return;
  }
  const source = new EventSource(`/events?${new URLSearchParams({ key })}`);
  let known = false; // whether this stream began with the answer key
  const leave = () => {
    ended = true;
    source.close();
    say(`No news: ${STRANGER}`, true);
  };
  source.addEventListener("answer-key", (event) => {
    known = event.data === answerKey;
    if (!known) leave();
  });
  source.onmessage = (event) => (known ? show(JSON.parse(event.data)) : leave());
  source.onerror = async () => {
    known = false;
    if (source.readyState !== EventSource.CLOSED) {
      say("No news: pynet ui does not answer; it is asked again", true);
      return;
    }
    // The stream was refused: why is told to a request alone.
    try {
      const answer = await fetch(`/explain?${new URLSearchParams({ key })}`);
      if (answer.status === 403) {
        say(`No news: ${WRONG_KEY}`, true);
      } else if (!isPynet(answer)) {
        leave();
      } else {
        say("No news: as many pages are open as are served; it is asked again in ten seconds", true);
        setTimeout(follow, 10000);
      }
    } catch {
      say("No news: pynet ui does not answer any more; it is asked again in ten seconds", true);
      setTimeout(follow, 10000);
    }
  };
}

$("blocks").addEventListener("change", () => {
  block = $("blocks").value;
  showAddresses();
});
$("close").addEventListener("click", closeDetails);
$("language").addEventListener("change", showExplained);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && open) closeDetails();
});
follow();
