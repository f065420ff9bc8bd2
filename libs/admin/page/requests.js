// What the endpoint is asked. One request at a time: it has four threads, and others need them.

let token = "";

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function request(method, path) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const signal = AbortSignal.timeout(10000);
  const answer = await fetch(path, { method, headers, signal, cache: "no-store" });
  const text = await answer.text();
  if (answer.ok) return text;
  let reason = `${path} answered ${answer.status}`;
  try {
    reason = JSON.parse(text).error || reason;
  } catch {
    // No JSON: the status has to do.
  }
  throw new Refused(answer.status, reason);
}

const getText = (path) => request("GET", path);
const getJson = async (path) => JSON.parse(await getText(path));
const post = async (path) => JSON.parse(await request("POST", path));

function listPath(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== undefined) query.set(name, value);
  }
  return `${path}?${query}`;
}

// The samples of the Prometheus text format: [name, labels, value].
function parseMetrics(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    const match = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[name] = value;
    }
    samples.push([match[1], labels, Number(match[3].replace("+Inf", "Infinity"))]);
  }
  return samples;
}

// The values of a metric summed by one label, or under "" altogether.
function sumBy(samples, name, label) {
  const sums = new Map();
  for (const [own, labels, value] of samples) {
    if (own !== name) continue;
    const key = label ? labels[label] : "";
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

// The bound below which `share` of the observations between two samples lie; null without any.
function quantile(before, now, share) {
  const bounds = [...now.keys()].map(Number.parseFloat).filter(Number.isFinite).sort((a, b) => a - b);
  const grown = (key) => (now.get(key) ?? 0) - (before.get(key) ?? 0);
  const all = grown("+Inf");
  if (all <= 0) return null;
  const keys = new Map([...now.keys()].map((key) => [Number.parseFloat(key), key]));
  return bounds.find((bound) => grown(keys.get(bound)) >= share * all) ?? bounds.at(-1);
}
