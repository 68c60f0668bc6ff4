// Shows what /status tells, anew every 2 seconds. What it tells is put in as text, never as HTML.
"use strict";

const EVERY = 2000;
const KEPT = "mcpo-key";
const element = (id) => document.getElementById(id);
let next;

async function look() {
  clearTimeout(next);
  const key = sessionStorage.getItem(KEPT);
  try {
    const headers = key === null ? {} : { Authorization: `Bearer ${key}` };
    const answer = await fetch("status", { headers, cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.status === 401 || answer.status === 403) return ask(key !== null);
    if (!answer.ok) throw new Error(`it answers ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    element("trouble").textContent = `The gateway cannot be asked: ${error.message}. What is below may be outdated.`;
    element("trouble").hidden = false;
    element("servers").classList.add("stale");
  }
  next = setTimeout(look, EVERY);
}

function ask(refused) {
  sessionStorage.removeItem(KEPT);
  element("servers").replaceChildren();
  element("gateway").textContent = "";
  element("trouble").hidden = true;
  element("refused").hidden = !refused;
  element("ask").hidden = false;
  element("key").focus();
}

element("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEPT, element("key").value);
  element("key").value = "";
  look();
});

function show({ version, uptime, servers }) {
  element("ask").hidden = true;
  element("trouble").hidden = true;
  const ready = servers.filter((server) => server.state === "ready").length;
  element("gateway").textContent = `${version} · up ${span(uptime)} · ${ready} of ${servers.length} ready`;
  const list = element("servers");
  list.classList.remove("stale");
  while (list.children.length > servers.length) list.lastElementChild.remove();
  while (list.children.length < servers.length) list.append(element("server").content.cloneNode(true));
  servers.forEach((server, index) => fill(list.children[index], server));
}

// Cards stay and are filled anew, so that a link keeps the focus and the pointer.
function fill(card, server) {
  const put = (part, text) => {
    const found = card.querySelector(part);
    if (found.textContent !== text) found.textContent = text;
    return found;
  };
  put("h2", server.name);
  const state = put(".state", `${server.state} for ${span(-until(server.since))}`);
  state.dataset.state = server.state;
  const again = server.next_try ? ` Next try in ${span(until(server.next_try))}.` : "";
  put(".reason", server.reason ? `${sentence(server.reason)}${again}` : "");
  put(".tools", String(server.tools));
  put(".calls", String(server.calls.total));
  put(".failed", String(server.calls.failed));
  put(".in-flight", String(server.calls.in_flight));
  put(".queued", String(server.calls.queued));
  put(".token", server.token_expires ? validity(until(server.token_expires)) : "");
  const docs = card.querySelector(".docs");
  docs.hidden = server.tools === 0;
  docs.href = server.docs;
  const login = card.querySelector(".login");
  login.hidden = !server.authorization_url;
  if (server.authorization_url) login.href = server.authorization_url;
}

const until = (time) => (Date.parse(time) - Date.now()) / 1000;

const validity = (seconds) =>
  seconds > 0 ? `Its token is good for ${span(seconds)}.` : "Its token has expired.";

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? "" : "."}`;

function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} days`;
}

look();
