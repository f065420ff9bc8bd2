// usage: shoot.mjs PAGE DASHBOARD.json PROMETHEUS RANGE MODULES PICTURE=FIRST_ROW,LAST_ROW...
//
// Opens the built page in Chromium and takes a picture of each span of rows. Fails when a panel in
// them has no data, or does not draw.
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const [page, dashboard, prometheus, range, modules, ...pictures] = process.argv.slice(2);
const spans = pictures.map((picture) => {
  const [file, rows] = picture.split('=');
  const [first, last] = rows.split(',').map(Number);
  return { file, first, last };
});
const { chromium } = createRequire(path.join(modules, 'package.json'))('playwright-core');
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

async function answer(request, response) {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname.startsWith('/prometheus/')) {
    const answered = await fetch(prometheus + url.pathname.slice('/prometheus'.length) + url.search);
    return response.writeHead(answered.status).end(await answered.text());
  }
  const file = url.pathname === '/dashboard.json' ? dashboard
    : path.join(page, url.pathname === '/' ? 'index.html' : url.pathname);
  if (!fs.existsSync(file)) return response.writeHead(404).end();
  const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type }).end(fs.readFileSync(file));
}

const server = http.createServer(answer).listen(0, '127.0.0.1');
await new Promise((listening) => server.once('listening', listening));
const here = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const tab = await browser.newPage({ viewport: { width: 1500, height: 1000 } });
  tab.on('pageerror', (error) => console.log('page error:', error.message));
  const query = new URLSearchParams({
    prometheus: `${here}/prometheus`, range, end: `${Math.floor(Date.now() / 1000)}`,
    first: `${Math.min(...spans.map(({ first }) => first))}`,
    last: `${Math.max(...spans.map(({ last }) => last))}`,
  });
  await tab.goto(`${here}/?${query}`);
  const drawn = await tab.evaluate(() => window.done);
  await tab.setViewportSize({ width: drawn.width, height: drawn.height });
  await tab.waitForTimeout(1000);
  for (const { file, first, last } of spans) {
    const top = drawn.rows[first].top, bottom = drawn.rows[last + 1]?.top ?? drawn.height;
    const clip = { x: 0, y: top, width: drawn.width, height: bottom - top };
    await tab.screenshot({ path: file, clip });
    console.log(`${file}: ${fs.statSync(file).size} bytes`);
  }
  for (const fault of drawn.faults) console.log('fault:', fault);
  process.exitCode = drawn.faults.length ? 1 : 0;
} finally {
  await browser.close();
  server.close();
}
