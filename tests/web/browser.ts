// A real Chromium without a window, and the page of a real node in it. Every page is watched: an error in its console, a
// report of its content security policy, or a request to another host fails the test that opened it.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Test } from 'tap';
import { PASSWORD } from '../cli/place.js';
import type { TestNode } from '../cluster/node.js';

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 360, height: 740 };

/** How long a page may take for anything; others may use the same processors. */
const PATIENCE_MS = 90_000;

export interface PageSetup {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
  /** Parts of console messages that this test provokes. */
  readonly mayComplain?: readonly string[];
}

export class TestBrowser {
  readonly #browser: Browser;
  readonly #test: Test;

  private constructor(browser: Browser, test: Test) {
    this.#browser = browser;
    this.#test = test;
  }

  /** Ends with the test. */
  static async start(test: Test): Promise<TestBrowser> {
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args });
    test.teardown(() => browser.close());
    return new TestBrowser(browser, test);
  }

  /**
   * A test with the page of this node in a window of its own, as of another person: it shares nothing with the others.
   */
  page(title: string, node: TestNode, setup: PageSetup, run: (t: Test, page: Page) => Promise<void>): void {
    const { viewport = WIDE, colorScheme = 'light', mayComplain = [] } = setup;
    void this.#test.test(title, async (t) => {
      const context = await this.#browser.newContext({ viewport, colorScheme });
      context.setDefaultTimeout(PATIENCE_MS);
      const complaints = watch(context);
      try {
        const page = await context.newPage();
        await page.goto(linkTo(node));
        await page.getByRole('tablist').waitFor();
        await run(t, page);
        const unforeseen = complaints.filter((text) => !mayComplain.some((part) => text.includes(part)));
        t.same(unforeseen, [], 'the console has no error, and the policy nothing to report');
      } finally {
        await context.close();
      }
    });
  }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A screen reader finds its way. */
export async function expectAccessible(t: Test, page: Page, what: string): Promise<void> {
  await page.evaluate(axe);
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    readonly violations: readonly {
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }[];
  };
  const violations = found.violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join('; ')}`,
  );
  t.same(violations, [], `axe finds nothing on ${what}`);
}

/** As `serve` prints it. */
export function linkTo(node: TestNode): string {
  const token = readFileSync(join(node.place.home, 'api-token'), 'utf8').trim();
  return `http://localhost:${node.port}/#token=${token}`;
}

/** What went wrong in the windows of this context. */
function watch(context: BrowserContext): string[] {
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} ${message.location().url}`);
  });
  context.on('weberror', (error) => complaints.push(String(error.error().stack)));
  context.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (protocol === 'http:' && hostname !== 'localhost') complaints.push(`asks ${request.url()}`);
  });
  return complaints;
}

/** Gives the password where it is asked for. */
export async function giveThePassword(page: Page, password = PASSWORD): Promise<void> {
  await page.getByLabel('Password or recovery code').fill(password);
  await page.keyboard.press('Enter');
}

export async function unlock(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Unlock', exact: true }).click();
  await giveThePassword(page);
  await page.getByRole('button', { name: 'Lock', exact: true }).waitFor();
}

export async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name }).click();
  await page.locator(`[role=tab][aria-selected=true]`, { hasText: name }).waitFor();
}

/** A row of the list of files. */
export function rowOf(page: Page, name: string) {
  return page.getByRole('grid', { name: 'Files', exact: true }).getByRole('row').filter({ hasText: name });
}

/** A drop as the system does it, with paths of files and folders. */
export async function drop(page: Page, paths: readonly string[]): Promise<void> {
  const box = await page.locator('.drop-zone').first().boundingBox();
  if (box === null) throw new Error('nothing to drop on');
  const devtools = await page.context().newCDPSession(page);
  const data = { items: [], files: [...paths], dragOperationsMask: 1 };
  const place = { x: box.x + box.width / 2, y: box.y + 20, data };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await devtools.send('Input.dispatchDragEvent', { type, ...place });
  }
  await devtools.detach();
}

/** Lets the page send only so many bytes a second; undefined: as fast as it can. */
export async function slowDown(page: Page, bytesPerSecond: number | undefined): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: bytesPerSecond ?? -1,
  });
}
