// What is shown, and what the operator can do. requests.js and tables.js stand before it.

const PERIOD = 2000;
const PAGE_ROWS = 50;
const HISTORY = 60;

const view = { sort: "-age", filter: "", offset: 0, closedFilter: "", controls: "off" };
let before = null;
let config = [];
let configOf = "";
const histories = new Map();

function say(text, bad = false) {
  setText(byId("message"), text);
  byId("message").classList.toggle("bad", bad);
}

// The overview.

const CARDS = [
  ["Accepted", "chatgate_connections_accepted_total", "/s"],
  ["Refused", "chatgate_connections_rejected_total", "/s"],
  ["Closed", "chatgate_connections_closed_total", "/s"],
  ["Messages", "chatgate_messages_received_total", "/s"],
  ["Received", "chatgate_received_bytes_total", "B/s"],
  ["Sent", "chatgate_sent_bytes_total", "B/s"],
];

function drawHistory(title, value) {
  const values = histories.get(title) ?? [];
  values.push(value);
  if (values.length > HISTORY) values.shift();
  histories.set(title, values);
  const most = Math.max(...values, 1e-9);
  return values.map((one, i) => `${i * 2},${(24 - 22 * one / most).toFixed(1)}`).join(" ");
}

function card(title) {
  const id = `card-${title.replace(/\W+/g, "-")}`;
  if (byId(id)) return byId(id);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${2 * (HISTORY - 1)} 24`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "polyline"));
  const made = element("div", { id }, element("dt", { textContent: title }), element("dd"), svg);
  byId("cards").append(made);
  return made;
}

function showCard(title, text, value) {
  const shown = card(title);
  setText(shown.querySelector("dd"), text);
  shown.querySelector("polyline").setAttribute("points", drawHistory(title, value));
}

function showRates(now) {
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  const total = (sample, name) => sumBy(sample.metrics, name).get("") ?? 0;
  for (const [title, name, unit] of CARDS) {
    const rate = seconds ? Math.max(0, total(now, name) - total(before, name)) / seconds : 0;
    showCard(title, seconds ? withUnit(rate, unit) : "–", rate);
  }
  const buckets = (sample) => sumBy(sample.metrics, "chatgate_reply_delay_seconds_bucket", "le");
  for (const [title, share] of [["Reply delay p50", 0.5], ["Reply delay p99", 0.99]]) {
    const bound = before ? quantile(buckets(before), buckets(now), share) : null;
    showCard(title, bound === null ? "–" : `< ${+(bound * 1000).toPrecision(3)} ms`, bound ?? 0);
  }
}

function showEnds(now) {
  const rows = new Map();
  for (const [kind, name] of [["refused", "chatgate_connections_rejected_total"],
    ["ended", "chatgate_connections_closed_total"]]) {
    const sums = sumBy(now.metrics, name, "reason");
    const earlier = before ? sumBy(before.metrics, name, "reason") : new Map();
    for (const [reason, count] of sums) {
      if (count > 0) rows.set(`${kind} ${reason}`, { kind, reason, count, recent: count - (earlier.get(reason) ?? count) });
    }
  }
  endsTable.update([...rows.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)));
}

function showStatus(status) {
  const { open, limit } = status.connections;
  setText(byId("state"), status.state);
  byId("state").dataset.state = status.state;
  setText(byId("identity"), `version ${status.version}, process ${status.pid}, up ${duration(status.uptime_seconds)}`);
  setText(byId("open"), `${whole(open)} of ${whole(limit)}`);
  const meter = byId("usage");
  Object.assign(meter, { max: Math.max(limit, 1), high: limit * 0.8, optimum: 0, value: open });
  listenersTable.update(status.listeners);
  workersTable.update(status.workers);
  const notice = byId("drain-state");
  notice.hidden = status.drain_phase === 0;
  setText(notice, `Draining, phase ${status.drain_phase} of 5: ${whole(open)} sessions are still open.`);
  showOverload(status.overload);
  showControls(status);
  const reload = status.config.last_reload;
  setText(byId("config-file"), (status.config.file || "no file") +
    (reload ? `; last reload ${reload.outcome} at ${reload.at}${[...reload.errors, ...reload.keys].map((one) => ` · ${one}`).join("")}` : ""));
}

function showOverload({ level, cause }) {
  const hurried = level > 1 ? "who is silent or slow has less time" : "who has said nothing has less time";
  byId("overload-state").hidden = level === 0;
  setText(byId("overload-state"), `Overload because of ${cause}: newcomers are refused early, ${hurried}.`);
}

function showControls(status) {
  view.controls = status.controls;
  const allowed = status.controls === "open" || (status.controls === "token" && token !== "");
  byId("drain").hidden = !allowed || status.drain_phase > 1;
  setText(byId("drain"), status.drain_phase === 0 ? "Drain…" : "Hurry the drain…");
  byId("undrain").hidden = !allowed || status.drain_phase !== 1;
  byId("reload").hidden = !allowed;
  document.body.classList.toggle("controlled", allowed);
  byId("token-form").hidden = status.controls !== "token";
  setText(byId("token-note"), token ? "Controls are open." : "Controls need it.");
  for (const button of document.querySelectorAll("#connections td button")) button.hidden = !allowed;
}

// The tables.

const text = (name, title, more) => ({ name, title, ...more });
const count = (name, title, more) => ({ name, title, number: true, show: (row) => whole(row[name]), ...more });
const time = (name, title, more) => ({ name, title, number: true, show: (row) => duration(row[name]), ...more });

const endsTable = new LiveTable("ends", [text("reason", "Reason"), text("kind", "Kind"), count("count", "Since start"),
  count("recent", "Last 2 s")], { key: (row) => `${row.kind} ${row.reason}` });
const sourcesTable = new LiveTable("sources", [text("source", "Source"), count("connections", "Sessions"),
  count("messages", "Messages"), count("received_bytes", "Received"), count("output_bytes", "Waiting")]);
const listenersTable = new LiveTable("listeners", [text("name", "Listener"), text("address", "Address"),
  count("open", "Open"), count("limit", "Limit")]);
const workersTable = new LiveTable("workers", [count("worker", "Worker"), count("connections", "Sessions"),
  { name: "busy_ratio", title: "Busy", number: true, show: (row) => `${Math.round(row.busy_ratio * 100)} %` }]);
const sorted = { sorts: true };
const connectionsTable = new LiveTable("connections", [count("id", "Id", { ...sorted, show: (row) => String(row.id) }),
  text("peer", "Peer", sorted), text("listener", "Listener", { ...sorted, wide: true }), text("state", "State", sorted),
  time("age", "Age", sorted), time("idle", "Idle", sorted), count("messages", "Messages", sorted),
  count("received_bytes", "Received", { ...sorted, wide: true }), count("sent_bytes", "Sent", { ...sorted, wide: true }),
  count("output_bytes", "Waiting", { ...sorted, wide: true }), count("worker", "Worker", { ...sorted, wide: true }),
  { name: "close", title: "Control", action: closeButton }], { key: (row) => row.id, onSort: sortBy });
const closedTable = new LiveTable("closed", [text("id", "Id", { number: true }), text("peer", "Peer"),
  text("listener", "Listener", { wide: true }), text("reason", "Reason"), text("ended_at", "Ended"),
  time("duration", "Lasted"), count("messages", "Messages"), count("received_bytes", "Received", { wide: true }),
  count("sent_bytes", "Sent", { wide: true })], { key: (row) => row.id });
const configTable = new LiveTable("config", [text("path", "Key"), text("value", "Value", { text: true }),
  text("origin", "From", { text: true })], { key: (row) => row.path });

function sortBy(column) {
  view.sort = view.sort === `-${column}` ? column : `-${column}`;
  view.offset = 0;
  refreshSoon();
}

function showSessions(list) {
  connectionsTable.showSort(view.sort);
  connectionsTable.update(list.connections);
  const last = view.offset + list.shown;
  setText(byId("pages"), list.matched === 0 ? "No session" :
    `${whole(view.offset + 1)} to ${whole(last)} of ${whole(list.matched)}${list.complete ? "" : ", a worker did not answer"}`);
  byId("previous").disabled = view.offset === 0;
  byId("next").disabled = last >= list.matched;
}

function showConfig() {
  const wanted = byId("config-filter").value.toLowerCase();
  const changed = byId("config-changed").checked;
  configTable.update(config.filter((one) => (!changed || one.origin !== "default") &&
    `${one.path} ${one.value} ${one.origin}`.toLowerCase().includes(wanted)));
}

// Controls.

function confirmed(question, action) {
  const dialog = byId("confirm");
  setText(byId("confirm-text"), question);
  setText(byId("confirm-yes"), action);
  const asked = document.activeElement;
  return new Promise((resolve) => {
    const finish = (answer) => {
      dialog.onclose = null;
      if (dialog.open) dialog.close();
      if (asked?.isConnected) asked.focus();
      resolve(answer);
    };
    byId("confirm-yes").onclick = () => finish(true);
    byId("confirm-no").onclick = () => finish(false);
    dialog.onclose = () => finish(false);
    dialog.showModal();
    byId("confirm-no").focus();
  });
}

async function control(path) {
  try {
    const answer = await post(path);
    say(answer.result ?? `Reload: ${answer.outcome} ${answer.keys.join(", ")}`);
  } catch (failure) {
    say(failure.message, true);
  }
  refreshSoon();
}

function closeButton(row) {
  const button = element("button", { type: "button", textContent: "Close", className: "danger",
    hidden: !document.body.classList.contains("controlled") });
  button.setAttribute("aria-label", `Close session ${row.id}`);
  button.onclick = async () => {
    if (await confirmed(`Close session ${row.id} of ${row.peer}? It reads what waits for it, then the connection ends.`,
      "Close the session")) control(`/connections/${row.id}/close`);
  };
  return button;
}

byId("drain").onclick = async () => {
  if (await confirmed("Drain? New clients are turned away, all sessions end within the deadline, and the gateway stops.",
    "Drain")) control("/drain");
};
byId("undrain").onclick = () => control("/undrain");
byId("reload").onclick = () => control("/reload");
byId("token-form").onsubmit = (event) => {
  event.preventDefault();
  token = byId("token").value.trim();
  byId("token").value = "";
  refreshSoon();
};
byId("previous").onclick = () => { view.offset = Math.max(0, view.offset - PAGE_ROWS); refreshSoon(); };
byId("next").onclick = () => { view.offset += PAGE_ROWS; refreshSoon(); };
byId("filter").oninput = () => { view.filter = byId("filter").value.trim(); view.offset = 0; refreshSoon(); };
byId("closed-filter").oninput = () => { view.closedFilter = byId("closed-filter").value.trim(); refreshSoon(); };
byId("config-filter").oninput = showConfig;
byId("config-changed").onchange = showConfig;
byId("live").onchange = refreshSoon;

// The clock.

let timer = 0;
let busy = false;
let again = false;

// A filter that is half written is refused: told beside it, and the rest goes on.
async function list(input, path, parameters) {
  try {
    const found = await getJson(listPath(path, parameters));
    input.setCustomValidity("");
    input.removeAttribute("aria-invalid");
    return found;
  } catch (failure) {
    if (failure.status !== 400) throw failure;
    input.setAttribute("aria-invalid", "true");
    say(failure.message, true);
    return null;
  }
}

async function refresh() {
  const status = await getJson("/status");
  showStatus(status);
  const now = { at: performance.now(), metrics: parseMetrics(await getText("/metrics")) };
  showRates(now);
  showEnds(now);
  before = now;
  const sessions = await list(byId("filter"), "/connections",
    { sort: view.sort, filter: view.filter, limit: PAGE_ROWS, offset: view.offset });
  if (sessions) showSessions(sessions);
  sourcesTable.update((await getJson(listPath("/sources", { sort: "-connections", limit: 20 }))).sources);
  const closed = await list(byId("closed-filter"), "/connections/closed", { filter: view.closedFilter, limit: 20 });
  if (closed) closedTable.update(closed.closed);
  const version = `${status.pid} ${status.config.last_reload?.at}`;
  if (version !== configOf) {
    config = (await getJson("/config")).config;
    configOf = version;
    showConfig();
  }
  if (sessions && closed && byId("message").dataset.trouble) say("");
  delete byId("message").dataset.trouble;
  if (!sessions || !closed) byId("message").dataset.trouble = "filter";
}

async function tick() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    await refresh();
  } catch (failure) {
    byId("message").dataset.trouble = "answer";
    if (failure.status === 401) {
      byId("token-form").hidden = false;
      say(token ? "The gateway does not accept this token." : "The gateway asks for its token.", true);
    } else {
      say(failure instanceof Refused ? failure.message : "The gateway does not answer; trying again.", true);
    }
    if (!(failure instanceof Refused)) {
      byId("state").textContent = byId("state").dataset.state = "unreachable";
    }
  }
  busy = false;
  clearTimeout(timer);
  if (again) {
    again = false;
    tick();
  } else if (byId("live").checked && !document.hidden) {
    timer = setTimeout(tick, PERIOD);
  }
}

function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(tick, 100);
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) refreshSoon();
});
tick();
