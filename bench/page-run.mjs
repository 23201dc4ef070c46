// Measures the page in Debian's Chromium against a real `serve`: how large it is, what axe finds, how soon it can be used,
// and how it does with 100,000 files. Writes PAGE.md beside this file.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '../scripts/demo/browser.mjs';
import { DemoMachine } from '../scripts/demo/machine.mjs';
import { linkTo, password } from '../scripts/demo/page-cluster.mjs';
import { ensure, ensureChromium, runMain } from '../scripts/ensure.mjs';
import { describeMachine } from './machine.mjs';
import { readOptions } from './options.mjs';
import { addFileRows } from './page/many-files.mjs';

const output = fileURLToPath(new URL('PAGE.md', import.meta.url));
const built = fileURLToPath(new URL('../dist/web/', import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const tabs = ['Files', 'Chunk', 'Upload', 'Network', 'Server'];
const runs = 3;
const usage = `usage: npm run bench:page -- [options]
  --files N    files of the larger home (default 100000)
`;

/** Notes in the page when the tabs and when the first row of files are there. */
const stopwatch = `
  window.seen = {};
  new MutationObserver(() => {
    if (document.querySelector('[role=tab]')) window.seen.tabs ??= performance.now();
    if (document.querySelector('.virtual .row')) window.seen.rows ??= performance.now();
  }).observe(document, { childList: true, subtree: true });
`;

/** The longest time between two frames while the list is scrolled from end to end, in ms. */
const scrollThrough = `new Promise((resolve) => {
  const box = document.querySelector('.virtual');
  let [step, last, longest] = [0, performance.now(), 0];
  const next = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    box.scrollTop = (box.scrollHeight * ++step) / 120;
    if (step < 120) requestAnimationFrame(next);
    else resolve(longest);
  };
  requestAnimationFrame(next);
})`;

/** From a key press in the search to the frame that shows what it finds, in ms. */
const searchFor = (text) => `new Promise((resolve) => {
  const field = document.getElementById('search');
  const began = performance.now();
  field.value = ${JSON.stringify(text)};
  field.dispatchEvent(new Event('input', { bubbles: true }));
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)));
})`;

const median = (values) => [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
const ms = (value) => `${Math.round(value)} ms`;

function bundleRows() {
  const names = readdirSync(built, { recursive: true }).filter((name) => /\.(html|js|css|svg)$/.test(name));
  const sum = (suffix) =>
    names.reduce((bytes, name) => bytes + readFileSync(join(built, name + suffix)).length, 0);
  const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
  return [
    ['the whole page, Brotli', kib(sum('.br')), 'below 60 KiB'],
    ['the whole page, gzip', kib(sum('.gz')), 'below 60 KiB'],
    ['the whole page, plain', kib(sum('')), ''],
  ];
}

async function newPage(browser, url, colorScheme = 'light') {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(180_000);
  await page.addInitScript(stopwatch);
  await page.goto(url);
  await page.locator('.virtual .row').first().waitFor();
  return page;
}

async function unlock(page) {
  await page.getByRole('button', { name: 'Unlock', exact: true }).click();
  await page.getByLabel('Password or recovery code').fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Lock', exact: true }).waitFor();
}

async function axeRow(browser, url) {
  let violations = 0;
  for (const scheme of ['light', 'dark']) {
    const page = await newPage(browser, url, scheme);
    await unlock(page);
    for (const tab of tabs) {
      await page.getByRole('tab', { name: tab }).click();
      await page.waitForTimeout(300);
      await page.evaluate(axe);
      violations += await page.evaluate('axe.run().then((found) => found.violations.length)');
    }
    await page.context().close();
  }
  return ['axe violations on five tabs, light and dark', String(violations), 'none'];
}

async function openingTimes(browser, url) {
  const times = [];
  for (let run = 0; run < runs; run++) {
    const page = await newPage(browser, url);
    const paint = `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0`;
    times.push(await page.evaluate(`({ ...window.seen, paint: ${paint} })`));
    await page.context().close();
  }
  const of = (name) => median(times.map((time) => time[name]));
  return { paint: of('paint'), tabs: of('tabs'), rows: of('rows') };
}

async function smallHome(folder, browser) {
  const machine = new DemoMachine(folder, 'small');
  await machine.serve();
  machine.run('init');
  writeFileSync(machine.path('notes.txt'), 'notes');
  machine.run('chunk', 'notes.txt');
  const url = linkTo(machine);
  const times = await openingTimes(browser, url);
  const rows = [
    await axeRow(browser, url),
    ['first paint, nothing cached', ms(times.paint), ''],
    ['first usable paint: tabs answer', ms(times.tabs), ''],
    ['first file shown', ms(times.rows), ''],
  ];
  await machine.kill();
  return rows;
}

async function largeHome(folder, browser, count) {
  const machine = new DemoMachine(folder, 'large');
  machine.run('init');
  await addFileRows(machine.home, password, count);
  await machine.serve();
  const files = count.toLocaleString('en');
  const times = await openingTimes(browser, linkTo(machine));
  const page = await newPage(browser, linkTo(machine));
  const began = performance.now();
  await unlock(page);
  await page.getByText('Unlock to see names').waitFor({ state: 'detached' });
  const unlocked = performance.now() - began;
  const rows = [
    [`${files} files: first row, names hidden`, ms(times.rows), ''],
    [`${files} files: password given to all names shown`, ms(unlocked), ''],
    [`${files} files: longest frame while scrolling through all`, ms(await page.evaluate(scrollThrough)), ''],
    [`${files} files: rows in the document`, String(await page.locator('.virtual .row').count()), ''],
    [`${files} files: a search`, ms(await page.evaluate(searchFor('archive 42.pdf'))), ''],
    [
      `${files} files: sorted by name`,
      ms(await timed(() => page.getByRole('button', { name: 'Name' }).click(), page)),
      '',
    ],
  ];
  await machine.kill();
  return rows;
}

async function timed(act, page) {
  const began = performance.now();
  await act();
  await page.evaluate(
    'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))',
  );
  return performance.now() - began;
}

function report(rows, machine) {
  const table = (head, cells) =>
    [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
  const about = machine.filter(([name]) => !['restic', 'borg', 'age', 'lz4'].includes(name));
  return `# The page\n\nWritten by \`npm run bench:page\`; medians of ${runs}.\n\n${table(['figure', 'measured', 'limit'], rows)}\n\n${table(['machine', ''], about)}\n`;
}

async function main() {
  const values = readOptions(usage, { files: { type: 'string', default: '100000' } });
  await ensure();
  ensureChromium();
  const folder = mkdtempSync(join(tmpdir(), 'disktro-bench-page-'));
  process.once('exit', () => {
    DemoMachine.endAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  });
  const machine = describeMachine();
  const browser = await launchChromium();
  machine.push(['chromium', browser.version()]);
  try {
    const rows = [
      ...bundleRows(),
      ...(await smallHome(folder, browser)),
      ...(await largeHome(folder, browser, Number(values.files))),
    ];
    writeFileSync(output, report(rows, machine));
    console.log(readFileSync(output, 'utf8'));
  } finally {
    await browser.close();
    DemoMachine.endAll();
  }
}

await runMain(main);
