// Debian's Chromium without a window, driven by playwright-core, which brings no browser of its own.
import { existsSync } from 'node:fs';

export const chromiumPath = '/usr/bin/chromium';

/** Throws an Error for a person to read when there is no Chromium. */
export async function launchChromium() {
  if (!existsSync(chromiumPath)) throw new Error(`${chromiumPath} is missing: apt-get install chromium`);
  const { chromium } = await import('playwright-core');
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: chromiumPath, args });
}
