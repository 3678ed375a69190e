// Calls the receptionist from the call page, by typing: books a room, interrupts, presses keys, and hangs up.
//
//   node call.mjs <address> <folder>
//
// Exit 0: all is well, 1: something is not, 77: there is no browser.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED, browser, faint, ready } from './page.mjs';

const [address, folder] = process.argv.slice(2);
if (!address || !folder) {
  console.log('usage: node call.mjs <address> <folder>');
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

/** Waits until it is the caller's turn and all that was said was heard. */
const theirs = () => page.locator('#receiver[data-turn="listening"]').waitFor();
const hosts = page.locator('.row.host');
/** The last thing that was said to its end. */
const last = async () => (await hosts.last().innerText()).replace('Receptionist:', '').trim();

async function says(words, expected) {
  const before = await hosts.count();
  await page.fill('#words', words);
  await page.locator('#words').press('Enter');
  await page.waitForFunction((count) => document.querySelectorAll('.row.host').length > count, before);
  await theirs();
  assert.match(await last(), expected, `after “${words}”`);
}

try {
  await page.goto(`${address}/call`);
  await ready(page);
  assert.deepEqual(await faint(page), []);
  await page.selectOption('#mouth', 'quick');
  await page.fill('#phone', '12');
  await page.click('#call');
  assert.ok(await page.locator('#phone-wrong').isVisible(), 'a wrong number is explained');
  await page.fill('#phone', '');
  await page.click('#call');
  await theirs();
  assert.match(await last(), /How may I help/);

  await says('a room for two adults from Friday for two nights', /view/);
  await says('any', /Which one/);

  // Who begins to type begins to speak: what was not heard is marked. On a slow machine it may have been heard already.
  for (let tries = 0; tries < 5 && (await page.locator('.row .unheard').count()) === 0; tries += 1) {
    const before = await hosts.count();
    await page.fill('#words', 'more');
    await page.locator('#words').press('Enter');
    await page.waitForFunction((count) => {
      const rows = document.querySelectorAll('.row.host');
      return rows.length > count && rows[rows.length - 1].querySelector('.coming')?.textContent.length > 20;
    }, before);
    await page.fill('#words', 'the');
    await page.locator('.row .unheard').first().waitFor({ timeout: 1500 }).catch(() => {});
    await theirs();
  }
  assert.ok((await page.locator('.row .unheard').count()) > 0, 'an interruption is shown');
  await says('the double with the city view', /name/);
  await says('Ana Silva', /telephone number/);
  await says('+351 912 345 678', /Shall I book it/);
  await page.screenshot({ path: join(folder, 'call-read-back.png') });
  await says('yes', /It's booked/);
  assert.match(await page.locator('#events').innerText(), /create_booking: ok/);
  assert.ok((await page.locator('#times tbody tr').count()) >= 6, 'every turn has its times');
  assert.match(await page.locator('#times tbody tr').first().innerText(), /\d+ ms/);

  await page.click('#hang-up');
  await page.locator('#call').waitFor({ state: 'visible' });
  await page.screenshot({ path: join(folder, 'call-over.png') });

  // Another call begins anew.
  await page.click('#call');
  await theirs();
  assert.equal(await page.locator('.row.guest').count(), 0);
  await says('goodbye', /.+/).catch(() => {});
  await page.locator('#call').waitFor({ state: 'visible' });
  assert.deepEqual(faults, [], 'the page reports no fault and asks nobody else');
  console.log('ok');
} catch (error) {
  await page.screenshot({ path: join(folder, 'call-failed.png') }).catch(() => {});
  console.error(error);
  console.error(await page.locator('#events').innerText().catch(() => ''));
  process.exitCode = FAILED;
} finally {
  await chromium.close();
}
