// Books rooms on the chat page, at a desk and on a phone, and looks at what the page shows meanwhile.
//
//   node chat.mjs <address> <folder>
//
// The address is a console's, http://127.0.0.1:8080 for example; pictures go to the folder. Exit 0: all is well,
// 1: something is not, 77: there is no browser.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FAILED, answered, browser, faint, fitsAcross, lastReply, open, ready, say, slots, state, tools } from './page.mjs';

const DESK = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const WISH = 'Hi, a room with a sea view for two from 12 to 14 December please';

const [address, folder] = process.argv.slice(2);
if (!address || !folder) {
  console.log('usage: node chat.mjs <address> <folder>');
  process.exit(FAILED);
}
mkdirSync(folder, { recursive: true });
const picture = (name) => join(folder, `${name}.png`);

const chromium = await browser();
let looking = null;

/** One check: a page of its own, and no fault on it. */
async function check(fact, options, steps, expected = []) {
  const { context, page, faults } = await open(chromium, address.replace(/\/$/, ''), options);
  looking = page;
  await steps(page);
  const unexpected = faults.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
  assert.deepEqual(unexpected, [], 'the page reports no fault and asks nobody else');
  await context.close();
  console.log(`ok: ${fact}`);
}

/** Talks until the receptionist reads the booking back. */
async function untilReadBack(page, name, phone) {
  await say(page, WISH, 1);
  assert.equal(await state(page), 'book_room.choosing');
  await say(page, 'the double please', 2);
  await say(page, name, 3);
  let turns = 3;
  if (phone) {
    turns += 1;
    await say(page, phone, turns);
  }
  assert.equal(await state(page), 'book_room.confirming');
  return turns;
}

try {
  await check('a room is booked with the keyboard alone', DESK, async (page) => {
    assert.equal(await page.evaluate(() => document.activeElement.id), 'words', 'the message box has the focus');
    assert.equal(await page.locator('#suggestions button').count(), 4);
    await page.screenshot({ path: picture('desk-welcome') });
    const turns = await untilReadBack(page, 'Ana Sousa', '+351 912 345 678');

    const known = await slots(page);
    const missing = ['stay', 'guests', 'view', 'room', 'name', 'phone'].filter((slot) => !(slot in known));
    assert.deepEqual(missing, [], 'what the guest said is shown');
    assert.match(known.stay, /^\w{3} 12 Dec – \w{3} 14 Dec$/);
    assert.equal(known.name, 'Ana Sousa');
    assert.deepEqual(await tools(page), ['quote_stay: ok', 'get_room_availability: ok']);
    assert.ok((await page.locator('#trail li').allInnerTexts()).includes('checking'), 'the trail has the states');
    assert.ok((await page.locator('.row.host strong').count()) > 0, '*bold* is bold');
    assert.doesNotMatch(await lastReply(page), /\*/);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'words', 'the focus stays');
    await fitsAcross(page);
    assert.deepEqual(await faint(page), []);
    await page.waitForFunction(() => document.getAnimations().every((animation) => animation.playState !== 'running'));
    await page.screenshot({ path: picture('desk-read-back') });

    await page.locator('button.reply[data-id="yes"]').focus();
    await page.keyboard.press('Enter');
    await answered(page, turns + 1);
    assert.equal((await tools(page))[0], 'create_booking: ok');
    assert.match(await lastReply(page), /reference/i);
    assert.equal(await page.locator('button.reply:enabled').count(), 0, 'a button answers once');
    await page.locator('#tools .tool summary').first().focus();
    await page.keyboard.press('Enter');
    assert.match(await page.locator('#tools .tool').first().innerText(), /customer_name\s+Ana Sousa/);
    await page.locator('#steps-box summary').focus();
    await page.keyboard.press('Enter');
    assert.ok((await page.locator('#steps .step').count()) > 10, 'every step is there');
    await fitsAcross(page);
    await page.screenshot({ path: picture('desk-booked') });
  });

  await check('what a guest writes is shown and never run', DESK, async (page) => {
    const text = '<img src=x onerror="document.title=1"> *not bold*\n<script>document.title=2</script>';
    await page.fill('#words', text.split('\n')[0]);
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type(text.split('\n')[1]);
    await page.keyboard.press('Enter');
    await answered(page, 1);
    assert.equal(await page.locator('.row.guest .words').innerText(), text);
    assert.equal(await page.locator('.row img, .row script, .row.guest strong').count(), 0);
  });

  await check('a reload shows the talk again', DESK, async (page) => {
    await say(page, WISH, 1);
    await say(page, 'the double please', 2);
    const shown = async () => [
      await page.locator('#messages').innerText(),
      await page.locator('#trail').innerText(),
      await state(page),
      await slots(page),
      await tools(page),
      await page.locator('#steps').textContent(),
    ];
    const before = await shown();
    await page.reload();
    await ready(page);
    assert.deepEqual(await shown(), before);
    await say(page, 'Ben Okri', 3);
    assert.equal((await slots(page)).name, 'Ben Okri');
    await say(page, 'goodbye', 4);
    assert.match(await page.locator('.note').last().innerText(), /has ended/);
    const ended = await shown();
    await page.reload();
    await ready(page);
    assert.deepEqual(await shown(), ended);
  });

  await check('a silence is a turn', DESK, async (page) => {
    await say(page, 'I need a room', 1);
    const said = await page.locator('.row.host').count();
    await page.click('#silence');
    await page.waitForFunction((count) => document.querySelectorAll('.row.host:not(.dots)').length > count, said);
    await answered(page, 1);
    assert.match(await page.locator('.note').last().innerText(), /silent/);
    assert.equal(await page.locator('#steps .said').first().textContent(), 'Silence');
  });

  await check('what a person at the desk writes comes by itself, and the talk goes on', DESK, async (page) => {
    await say(page, WISH, 1);
    await say(page, 'can I speak to a human', 2);
    const desk = (path, body) =>
      page.evaluate(
        async ([path, body]) => {
          const headers = { 'content-type': 'application/json' };
          const asked = body ? { method: 'POST', headers, body: JSON.stringify(body) } : {};
          return (await fetch(path, asked)).json();
        },
        [path, body],
      );
    const { waiting } = await desk('/api/queue');
    assert.equal(waiting.length, 1);
    const [{ conversation }] = waiting;
    await desk(`/api/queue/${conversation}/messages`, { by: 'Anna', text: 'A cot is *no problem*.' });
    const written = page.locator('.row.host', { hasText: 'A cot is no problem.' });
    await written.waitFor();
    assert.equal(await written.locator('.by').innerText(), 'Anna');
    await page.fill('#words', 'Wonderful!');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.getElementById('chat').getAttribute('aria-busy') === 'false');
    await desk(`/api/conversations/${conversation}/give-back`, { by: 'Anna', summary: 'a cot will be there.' });
    await page.locator('.row.host', { hasText: 'a cot will be there' }).waitFor();
    assert.equal(await page.locator('.note', { hasText: 'silent' }).count(), 0);
    assert.deepEqual(await faint(page), []);
    await page.screenshot({ path: picture('person') });
    await say(page, 'the double please', 4);
    assert.equal(await state(page), 'book_room.who');
  });

  const LOST = [/net::ERR_/];
  await check('a lost connection is said, and the message is sent once', DESK, async (page) => {
    await page.route('**/turns', (route) => route.abort(), { times: 1 });
    await page.fill('#words', WISH);
    await page.keyboard.press('Enter');
    await page.locator('.failed').waitFor();
    assert.match(await page.locator('.failed').innerText(), /connection .* lost/);
    await page.locator('.failed button').click();
    await answered(page, 1);
    assert.equal(await state(page), 'book_room.choosing');

    // The answer is lost and the turn is not: it is shown by itself, and nothing is said twice.
    await page.route('**/turns', async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    await page.fill('#words', 'the double please');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelectorAll('.row.host:not(.dots)').length === 2);
    await answered(page, 2);
    assert.equal(await state(page), 'book_room.who');
    assert.equal((await tools(page)).filter((tool) => tool.startsWith('quote_stay')).length, 1);
  }, LOST);

  await check('a mistake in a saved file is shown until it is mended', DESK, async (page) => {
    assert.ok(await page.locator('#mistakes').isHidden());
    const excerpt = ' 12 |     done: <b>chekking</b>\n    |              ^^^^^^^^';
    const place = { file: 'mine/book_room.yaml', line: 12, column: 14, end: { line: 12, column: 22 } };
    const said = { rule: 'unknown_state', message: 'there is no state `chekking`', help: 'did you mean `checking`?' };
    const unplaced = { file: null, line: null, column: null, end: null, excerpt: null, help: null };
    const other = { ...unplaced, rule: 'fault', message: 'mine cannot be read' };
    await page.route('**/api/flows', (route) =>
      route.fulfill({ json: { version: '1', mistakes: [{ ...place, ...said, excerpt }, other] } }));
    await page.locator('#mistakes').waitFor();
    assert.equal(await page.locator('#mistakes-title').innerText(), 'There are 2 mistakes in what was saved');
    const first = page.locator('#mistakes li').first();
    assert.equal(await first.locator('b').innerText(), 'mine/book_room.yaml:12:14');
    assert.equal(await first.locator('pre').textContent(), excerpt, 'the pointer stands where it was, and nothing is run');
    assert.match(await first.innerText(), /no state `chekking`[^]*did you mean `checking`/);
    assert.equal(await page.locator('#mistakes li').nth(1).innerText(), 'mine cannot be read');
    assert.deepEqual(await faint(page), []);
    await fitsAcross(page);
    await say(page, WISH, 1);
    assert.equal(await state(page), 'book_room.choosing', 'guests are answered meanwhile');
    await page.screenshot({ path: picture('desk-mistakes') });
    await page.unroute('**/api/flows');
    await page.locator('#mistakes').waitFor({ state: 'hidden' });
  });

  await check('who reads further up is left there', { ...DESK, viewport: { width: 1280, height: 420 } }, async (page) => {
    await say(page, WISH, 1);
    let release;
    const held = new Promise((resolve) => {
      release = resolve;
    });
    await page.route('**/turns', async (route) => {
      await held;
      await route.continue();
    });
    await page.fill('#words', 'what can you do?');
    await page.keyboard.press('Enter');
    await page.locator('.dots').waitFor();
    await page.evaluate(() => document.getElementById('scroller').scrollTo({ top: 0, behavior: 'instant' }));
    await page.waitForFunction(() => document.getElementById('scroller').scrollTop === 0);
    release();
    await answered(page, 2);
    assert.equal(await page.evaluate(() => document.getElementById('scroller').scrollTop), 0);
    await page.locator('#to-end').click();
    await page.waitForFunction(() => {
      const { scrollTop, scrollHeight, clientHeight } = document.getElementById('scroller');
      return scrollHeight - scrollTop - clientHeight < 4;
    });
    assert.ok(await page.locator('#to-end').isHidden());
  });

  await check('a guest with a number is known by it', { ...DESK, colorScheme: 'dark' }, async (page) => {
    await page.click('#new');
    await page.check('input[value="known"]');
    await page.fill('#phone', '912');
    await page.keyboard.press('Enter');
    assert.match(await page.locator('#phone-wrong').innerText(), /country code/);
    await page.fill('#phone', '+351 912 000 111');
    await page.keyboard.press('Enter');
    assert.match(await page.locator('#playing').innerText(), /\+351912000111/);
    await untilReadBack(page, 'Clara Nunes', null);
    assert.equal((await slots(page)).phone, '+351912000111');
    assert.deepEqual(await faint(page), []);
    await page.screenshot({ path: picture('desk-dark') });
  });

  await check('a room is booked on a phone', PHONE, async (page) => {
    await fitsAcross(page);
    await page.screenshot({ path: picture('phone-welcome') });
    const turns = await untilReadBack(page, 'Dora Lima', '+351 913 222 333');
    await fitsAcross(page);
    const sizes = await page.$$eval('textarea, input', (inputs) => inputs.map((input) => parseFloat(getComputedStyle(input).fontSize)));
    assert.ok(Math.min(...sizes.slice(0, 1)) >= 16, 'a phone does not zoom in on the message box');
    assert.ok(await page.locator('#details').isHidden());
    await page.screenshot({ path: picture('phone-read-back') });

    await page.tap('#open-details');
    await page.waitForFunction(() => document.getElementById('details').getAnimations().length === 0);
    assert.ok(await page.locator('#slots').isVisible());
    assert.equal(await page.evaluate(() => document.activeElement.id), 'close-details');
    await fitsAcross(page);
    assert.deepEqual(await faint(page), []);
    await page.screenshot({ path: picture('phone-details') });
    await page.keyboard.press('Escape');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'open-details');
    await page.waitForFunction(() => !document.getElementById('details').checkVisibility({ visibilityProperty: true }));

    await page.tap('button.reply[data-id="yes"]');
    await answered(page, turns + 1);
    assert.equal((await tools(page))[0], 'create_booking: ok');
    assert.match(await lastReply(page), /reference/i);
    await fitsAcross(page);
    await page.screenshot({ path: picture('phone-booked') });
  });
} catch (problem) {
  console.log(problem);
  await looking?.screenshot({ path: picture('failed') }).catch(() => {});
  process.exitCode = FAILED;
} finally {
  await chromium.close();
}
