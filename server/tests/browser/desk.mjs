// Helps a guest from the desk's page. What the guest does meanwhile is done by whoever started this, when it says how
// far it is: `opened`, `written`, `given back`; then a message to them comes too late, and one of theirs is never answered.
//
//   node desk.mjs <address> <folder>
//
// Exit 0: all is well, 1: something is not, 77: there is no browser.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED, browser, faint, ready } from './page.mjs';

const [address, folder] = process.argv.slice(2);
if (!address || !folder) {
  console.log('usage: node desk.mjs <address> <folder>');
  process.exit(FAILED);
}
mkdirSync(folder, { recursive: true });

const chromium = await browser();
const context = await chromium.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
const page = await context.newPage();
const faults = [];
page.on('pageerror', (error) => faults.push(error.message));
page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
page.on('request', (request) => {
  if (!request.url().startsWith(`${address}/`)) faults.push(`asked for ${request.url()}`);
});

try {
  await page.goto(`${address}/queue`);
  await ready(page);
  assert.ok(await page.locator('#nobody').isVisible(), 'nobody waits');
  await page.fill('#me', 'Anna');
  await page.locator('#me').blur();
  console.log('opened');

  const waits = page.locator('#queue button');
  await waits.waitFor();
  assert.equal(await waits.count(), 1);
  assert.match(await waits.innerText(), /asked for a person/);
  await waits.click();
  await page.locator('.row', { hasText: 'Can I speak to a human?' }).waitFor();
  assert.equal(await page.locator('.row.host').count(), 2, 'what the guest said is on its own side');
  assert.match(await page.locator('#slots').innerText(), /guests\s*2/);
  assert.match(await page.locator('#slots').innerText(), /2026-12-12 – 2026-12-14/);
  assert.deepEqual(await faint(page), []);
  await page.screenshot({ path: join(folder, 'desk-queue.png') });

  assert.match(await page.locator('#why').innerText(), /whoever writes first has it/);
  await page.fill('#words', 'Hello, Anna here. A cot is no problem.');
  await page.locator('#words').press('Enter');
  await page.locator('.row.staff[data-status="sent"]').waitFor();
  await page.waitForFunction(() => document.getElementById('words').value === '');
  assert.match(await page.locator('.row.staff .by').first().innerText(), /Anna/);
  await page.locator('#queue button', { hasText: 'with Anna' }).waitFor();
  console.log('written');

  // A colleague takes it over only by saying so, and whoever lost it gives nothing back.
  const known = (await (await context.request.get(`${address}/api/queue`)).json()).waiting[0].conversation;
  const take = `${address}/api/queue/${known}/take`;
  const refused = await context.request.post(take, { data: { by: 'Ben' } });
  assert.equal(refused.status(), 409);
  assert.match(await refused.text(), /Anna has this conversation/);
  assert.equal((await context.request.post(take, { data: { by: 'Anna' } })).status(), 200);
  assert.equal((await context.request.post(take, { data: { by: 'Ben', from: 'Anna' } })).status(), 200);
  await page.locator('#take', { hasText: 'Take over from Ben' }).waitFor();
  await page.click('#give-back');
  await page.locator('#notice', { hasText: 'Ben has this conversation' }).waitFor();
  await page.click('#take');
  await page.locator('#queue button', { hasText: 'with Anna' }).waitFor();

  // It comes by itself.
  await page.locator('.row.host', { hasText: 'Wonderful! Is it free?' }).waitFor();
  await page.screenshot({ path: join(folder, 'desk-helped.png') });
  await page.fill('#summary', 'a cot will be in your room.');
  await page.click('#give-back');
  await page.locator('#nobody').waitFor({ state: 'visible' });
  await page.locator('#composer').waitFor({ state: 'hidden' });
  console.log('given back');

  const undelivered = page.locator('#left-list .left', { hasText: 'Your room is ready.' });
  await undelivered.waitFor();
  assert.match(await undelivered.innerText(), /no template/);
  assert.deepEqual(await faint(page), []);
  await page.screenshot({ path: join(folder, 'desk-undelivered.png') });
  await undelivered.getByRole('button').click();
  await page.locator('#left').waitFor({ state: 'hidden' });

  const missed = page.locator('#missed-list .left', { hasText: 'Are you still there?' });
  await missed.waitFor();
  assert.deepEqual(await faint(page), []);
  await page.screenshot({ path: join(folder, 'desk-missed.png') });
  await missed.getByRole('button').click();
  await page.locator('#missed').waitFor({ state: 'hidden' });

  await page.reload();
  await ready(page);
  assert.equal(await page.inputValue('#me'), 'Anna', 'the page knows who sits there');
  assert.ok(await page.locator('#left').isHidden());
  const unexpected = faults.filter((fault) => !/404|409/.test(fault));
  assert.deepEqual(unexpected, [], 'the page reports no fault and asks nobody else');
  console.log('ok');
} catch (error) {
  await page.screenshot({ path: join(folder, 'desk-failed.png') }).catch(() => {});
  console.error(error);
  process.exitCode = FAILED;
} finally {
  await chromium.close();
}
