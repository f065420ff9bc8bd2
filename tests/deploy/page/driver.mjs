// Drives Chromium for browser.py: a JSON array [command, ...arguments] a line on standard input,
// a JSON object a line on standard output, {"value": …} or {"error": "…"}.
//
// usage: node driver.mjs FOLDER-WITH-NODE_MODULES CHROMIUM

import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

// In milliseconds. Reached only by a test that fails.
const patience = 120_000;

const [folder, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(path.join(folder, "package.json"))("playwright-core");

const browser = await chromium.launch({
  executablePath,
  timeout: patience,
  // Without a sandbox, for tests run as root; without what a browser asks of the world by itself.
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync",
    "--disable-component-update", "--no-first-run"],
});
let page;
let protocol;
let requests = [];
let complaints = [];

// By the protocol itself: what Playwright wraps around an expression needs eval, which the page's
// policy refuses.
async function evaluate(expression) {
  const { result, exceptionDetails } = await protocol.send("Runtime.evaluate",
    { expression, returnByValue: true, awaitPromise: true, allowUnsafeEvalBlockedByCSP: false });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}

const commands = {
  // A new page: {width, height, dark, script}.
  async open(url, { width = 1200, height = 900, dark = false, script = true } = {}) {
    await page?.context().close();
    requests = [];
    complaints = [];
    const context = await browser.newContext({ viewport: { width, height },
      colorScheme: dark ? "dark" : "light", javaScriptEnabled: script });
    context.setDefaultTimeout(patience);
    page = await context.newPage();
    protocol = await context.newCDPSession(page);
    page.on("request", (request) => requests.push(request.url()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("dialog", (dialog) => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    await page.goto(url);
  },
  click: (selector) => page.click(selector),
  fill: (selector, text) => page.fill(selector, text),
  press: (key) => page.keyboard.press(key),
  evaluate,
  async wait(expression) {
    const deadline = Date.now() + patience;
    while (!(await evaluate(expression))) {
      if (Date.now() > deadline) throw new Error(`not within ${patience / 1000} s; the page says: ${await evaluate("document.body.innerText")}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  },
  requests: () => requests,
  complaints: () => complaints,
  screenshot: (file, fullPage) => page.screenshot({ path: file, fullPage }).then(() => true),
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const [command, ...rest] = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[command](...rest)) ?? null };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
