// A stored folder on the page: what is inside is shown folder by folder, one file of it is saved, and all of it comes as
// a tar archive that is what was stored. Sources: src/web/files/inside.tsx, file-actions.ts, src/server/routes/api-*.ts.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Download, Page } from 'playwright-core';
import t from 'tap';
import { sampleBytes } from '../ops/sample-bytes.js';
import { scratchFolder } from '../ops/scratch-home.js';
import { snapshot } from '../ops/tree-builder.js';
import { startApi } from '../server/api/api-node.js';
import { expectAccessible, giveThePassword, rowOf, TestBrowser, unlock } from './browser.js';

// Others may use the same processors.
t.setTimeout(600_000);

const { node: desk } = await startApi(t);
const browser = await TestBrowser.start(t);
const photos = desk.place.path('photos');
mkdirSync(join(photos, '2024/may'), { recursive: true });
mkdirSync(join(photos, 'many'));
writeFileSync(join(photos, '2024/may/Übersicht <b>.txt'), 'a line');
writeFileSync(join(photos, '2024/film.mkv'), sampleBytes('film', 3_000_000));
writeFileSync(join(photos, 'index.html'), '<script>document.title = "taken"</script>');
symlinkSync('2024/film.mkv', join(photos, 'latest'));
for (let index = 0; index < 2_000; index++) {
  writeFileSync(join(photos, 'many', `${String(index).padStart(4, '0')}.txt`), `number ${index}`);
}
await desk.did('chunk', 'photos');

const bytesOf = async (download: Download): Promise<Buffer> => readFileSync(await download.path());
const inside = (page: Page) => page.getByRole('grid', { name: 'Inside the folder' });
const entry = (page: Page, name: string) => inside(page).getByRole('row').filter({ hasText: name });

browser.page(
  'a folder is saved as an archive that tar makes the same folder of',
  desk,
  {},
  async (t, page) => {
    await unlock(page);
    await rowOf(page, 'photos').click();
    const begun = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download .tar' }).click();
    const saved = await begun;
    t.equal(saved.suggestedFilename(), 'photos.tar');
    const out = scratchFolder(t);
    const { status, stderr } = spawnSync('tar', ['xpf', await saved.path(), '-C', out]);
    t.equal(status, 0, String(stderr));
    t.same(snapshot(join(out, 'photos')), snapshot(photos));
  },
);

browser.page('folders inside are opened, and a file of them is saved', desk, {}, async (t, page) => {
  const rows = page.locator('.files-main .virtual .row');
  await rows.first().click();
  await page.getByRole('button', { name: 'Unlock to look inside' }).click();
  await giveThePassword(page);
  await entry(page, '2024').first().click();
  await entry(page, 'may').click();
  await page.locator('.inside-place code', { hasText: '2024/may' }).waitFor();
  const file = page.waitForEvent('download');
  await entry(page, 'Übersicht <b>.txt').click();
  const saved = await file;
  t.equal((await bytesOf(saved)).toString(), 'a line');
  t.match(saved.suggestedFilename(), /^Übersicht .b.\.txt$/);
  await page.getByRole('button', { name: 'To the folder above' }).click();
  const archive = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download this folder' }).click();
  const part = await archive;
  t.equal(part.suggestedFilename(), '2024.tar');
  const listed = spawnSync('tar', ['tf', await part.path()]).stdout.toString();
  t.match(listed, /^2024\/\n2024\/film\.mkv\n2024\/may\//);
  await page.getByRole('button', { name: 'To the folder above' }).click();
  await entry(page, 'index.html').waitFor();
  t.notMatch(await page.title(), /taken/);
  await entry(page, 'many').click();
  await entry(page, '0000.txt').waitFor();
  const drawn = await inside(page).getByRole('row').count();
  t.ok(drawn < 100, `${drawn} rows of 2,000 are in the document`);
  await inside(page).locator('[data-index="0"]').focus();
  await page.keyboard.press('End');
  await entry(page, '1999.txt').waitFor();
  await expectAccessible(t, page, 'what is inside');
});
