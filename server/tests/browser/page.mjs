// What the browser's checks share: the system's Chromium, a page that may ask nobody but the console, small measures.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];

/** Exits of this program other than "all is well". */
export const FAILED = 1;
export const NO_BROWSER = 77;

/** Starts the system's browser; ends the program where there is none. */
export async function browser() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (!executablePath) {
    console.log('no Chromium on this machine');
    process.exit(NO_BROWSER);
  }
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ];
  return chromium.launch({ executablePath, headless: true, args });
}

/** Opens the chat page. Whatever it reports as an error, or asks of another host, is collected in `faults`. */
export async function open(browser, address, options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${address}/`)) faults.push(`asked for ${request.url()}`);
  });
  await page.goto(`${address}/`);
  await ready(page);
  return { context, page, faults };
}

/** Waits until the page has begun. */
export function ready(page) {
  return page.waitForSelector('body[data-ready]');
}

/** Waits until the last turn is answered and every word of it is shown. */
export async function answered(page, turns) {
  await page.waitForFunction(
    (count) =>
      document.querySelectorAll('.row.guest').length === count &&
      document.getElementById('chat').getAttribute('aria-busy') === 'false' &&
      !document.getElementById('log').hasAttribute('aria-busy'),
    turns,
  );
  assert.equal(await page.locator('.failed').count(), 0, 'every message was answered');
}

/** Writes a message and sends it with the keyboard. */
export async function say(page, text, turns) {
  await page.fill('#words', text);
  await page.keyboard.press('Enter');
  await answered(page, turns);
}

/** The last thing the receptionist said. */
export function lastReply(page) {
  return page.locator('.row.host .words').last().innerText();
}

/** The state that is shown. */
export function state(page) {
  return page.locator('#state').getAttribute('data-state');
}

/** The slots that are shown, `{name: words}`. */
export function slots(page) {
  return page.$$eval('#slots tbody tr', (rows) =>
    Object.fromEntries(rows.map((row) => [row.dataset.slot, row.querySelector('.value').textContent])),
  );
}

/** The tools that are shown, newest first, `name: outcome`. */
export function tools(page) {
  return page.$$eval('#tools .tool', (rows) =>
    rows.map((row) => `${row.dataset.tool}: ${row.querySelector('.outcome').textContent}`),
  );
}

/** Nothing is wider than the window. */
export async function fitsAcross(page) {
  const wide = await page.evaluate(() => {
    const boxes = [document.documentElement, document.getElementById('scroller'), document.getElementById('sections')];
    return boxes.filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.id || 'the page');
  });
  assert.deepEqual(wide, [], 'nothing scrolls sideways');
}

/** The texts whose contrast with what is behind them is below WCAG's AA. */
export function faint(page) {
  return page.evaluate(() => {
    const rgb = (text) => text.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const color = rgb(getComputedStyle(at).backgroundColor);
        if (color.length < 4 || color[3] > 0.99) return color;
      }
      return rgb(getComputedStyle(document.body).backgroundColor);
    };
    const texts = [...document.querySelectorAll('body *')].filter(
      (element) =>
        element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
        !element.closest('.hidden, [inert], dialog:not([open])') &&
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim()),
    );
    return texts.flatMap((element) => {
      const style = getComputedStyle(element);
      const [one, other] = [light(rgb(style.color)), light(behind(element))].sort((a, b) => b - a);
      const contrast = (one + 0.05) / (other + 0.05);
      return contrast < 4.5 ? [`${element.className || element.id || element.tagName}: ${contrast.toFixed(2)}`] : [];
    });
  });
}
