// The map and the path on it.

import { countUnlike, decode } from './png.mjs';
import { reallyPlays } from './player_checks.mjs';
import { equal, that } from './report.mjs';

const camera = (page) => page.$eval('#map', ({ dataset, clientWidth, clientHeight }) => ({
  x: Number(dataset.x), y: Number(dataset.y), scale: Number(dataset.scale), width: clientWidth, height: clientHeight,
}));

/** Where a point of the map lies on the screen. */
async function screenOf(page, x, y) {
  const seen = await camera(page);
  const box = await page.locator('#map').boundingBox();
  return [box.x + (x - seen.x) * seen.scale + seen.width / 2, box.y + (seen.y - y) * seen.scale + seen.height / 2];
}

async function drawnPixels(page) {
  return countUnlike(decode(await page.locator('.map-points').screenshot()));
}

export async function checkMap({ browser, api, report }) {
  const map = await api.get('map');
  const page = await browser.page('#/map');
  await report.check('the map draws its points', async () => {
    await page.waitForFunction((count) => document.getElementById('map').dataset.points === String(count) && document.getElementById('map').dataset.scale, map.ids.length);
    await page.waitForTimeout(100);
    const count = await drawnPixels(page);
    that(count > Math.min(map.ids.length, 100) * 4, `only ${count} pixels are drawn`);
    return `${await page.getAttribute('#map', 'data-renderer')}, ${count} pixels`;
  });
  await report.check('wheel, buttons and keys zoom and move the map', async () => {
    const changes = async (act, what, of) => {
      const before = await camera(page);
      await act();
      await page.waitForFunction(([name, value]) => Number(document.getElementById('map').dataset[name]) !== value, [of, before[of]]).catch(() => { throw new Error(`${what} does not change the view`); });
    };
    const box = await page.locator('#map').boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await changes(() => page.mouse.wheel(0, -300), 'the wheel', 'scale');
    await changes(() => page.click('[data-action=zoom-in]'), 'the button', 'scale');
    await page.focus('#map');
    await changes(() => page.keyboard.press('+'), 'plus', 'scale');
    await changes(() => page.keyboard.press('ArrowRight'), 'the arrow', 'x');
    await changes(async () => {
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width / 2 + 60, box.y + box.height / 2 + 10, { steps: 4 });
      await page.mouse.up();
    }, 'dragging', 'x');
    await changes(() => page.click('[data-action=fit]'), '“show all”', 'scale');
  });
  await report.check('two fingers zoom the map', () => checkPinch(browser));
  const lone = loneliest(map);
  await report.check('the pointer over a point names its track', async () => {
    await page.mouse.move(...await screenOf(page, map.x[lone], map.y[lone]), { steps: 3 });
    await page.waitForSelector('.map-tip:visible');
    const { title } = await api.get(`tracks/${map.ids[lone]}`);
    that((await page.locator('.map-tip').textContent()).includes(title), 'the words are not the track’s');
  });
  await report.check('a click plays the track under it and chooses it', async () => {
    await page.mouse.click(...await screenOf(page, map.x[lone], map.y[lone]));
    await page.waitForFunction((id) => document.getElementById('player').dataset.trackId === String(id), map.ids[lone]);
    await reallyPlays(page);
    equal(await page.getAttribute('.chosen-panel', 'data-track-id'), String(map.ids[lone]), 'chosen');
    await page.waitForSelector('.near-panel .row');
  });
  await report.check('the legend singles out a genre', async () => {
    const entries = page.locator('#legend button');
    if (await entries.count() < 2) return 'one genre alone';
    const before = await drawnPixels(page);
    await entries.first().click();
    await page.waitForTimeout(150);
    equal(await entries.first().getAttribute('aria-pressed'), 'true', 'pressed');
    const after = await drawnPixels(page);
    await entries.first().click();
    that(after < before, `${after} pixels stand out, ${before} before`);
    return null;
  });
  await page.context().close();
}

/** By the debugger's protocol: scripts cannot make touches that a page may capture. */
async function checkPinch(browser) {
  const page = await browser.page('#/map', { width: 360, height: 740, hasTouch: true });
  await page.waitForFunction(() => document.getElementById('map').dataset.scale);
  const { scale } = await camera(page);
  const box = await page.locator('#map').boundingBox();
  const fingers = (apart) => [-1, 1].map((side, id) => ({ id, x: box.x + box.width / 2 + side * apart, y: box.y + box.height / 2 }));
  const session = await page.context().newCDPSession(page);
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(20) });
  for (const apart of [30, 45, 60, 80]) await session.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(apart) });
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await page.waitForFunction((before) => Number(document.getElementById('map').dataset.scale) > 2 * before, scale);
  await page.context().close();
}

/** The point farthest from its nearest other: a click on it can mean no other. */
function loneliest({ x, y }) {
  const some = Math.min(x.length, 400);
  let best = { at: 0, far: -1 };
  for (let i = 0; i < some; i += 1) {
    let near = Infinity;
    for (let j = 0; j < x.length; j += 1) if (j !== i) near = Math.min(near, Math.hypot(x[i] - x[j], y[i] - y[j]));
    if (near > best.far) best = { at: i, far: near };
  }
  return best.at;
}

export async function checkPath({ browser, api, report, tracks }) {
  const [from, to] = [tracks[0], tracks.at(-1)];
  const page = await browser.page(`#/track/${from.id}`);
  const told = await api.get(`path?from=${from.id}&to=${to.id}&count=10`);
  const stops = told.tracks;
  await report.check('a path is chosen from a track and by a search', async () => {
    await page.click('[data-action=path-from]');
    await page.waitForSelector('#path-to');
    await page.fill('#path-to', to.title);
    await page.locator(`#path-to-list [data-track-id="${to.id}"]`).click();
    await page.waitForSelector('#path-stops .row');
  });
  await report.check('a path is listed', async () => {
    const shown = await page.$$eval('#path-stops .row', (rows) => rows.map((row) => Number(row.dataset.trackId)));
    equal(shown, stops.map(({ track }) => track.id), 'stops');
  });
  await report.check('a path is drawn', async () => {
    await page.waitForFunction((count) => Number(document.getElementById('map').dataset.path) === count, stops.length);
    await page.waitForTimeout(100);
    const accent = await page.evaluate(() => {
      const overlay = document.querySelector('.map-overlay');
      const { data } = overlay.getContext('2d').getImageData(0, 0, overlay.width, overlay.height);
      const style = getComputedStyle(document.body).getPropertyValue('--accent').trim();
      const wanted = [1, 3, 5].map((at) => parseInt(style.slice(at, at + 2), 16));
      let count = 0;
      for (let at = 0; at < data.length; at += 4) if (wanted.every((value, channel) => Math.abs(data[at + channel] - value) < 8) && data[at + 3] > 200) count += 1;
      return count;
    });
    that(accent > 50, `only ${accent} pixels of a line`);
  });
  await report.check('a path can be played', async () => {
    await page.click('#play-path');
    await reallyPlays(page);
    const { items } = await page.evaluate(() => JSON.parse(localStorage.getItem('similar-tracks.queue')));
    equal(items.slice(0, stops.length).map(({ id }) => id), stops.map(({ track }) => track.id), 'queue');
  });
  await page.context().close();
}

/** The same map by WebGL, which a browser without a card draws only when asked to. */
export async function checkWebgl({ browser, api, report }) {
  const { ids } = await api.get('map');
  await report.check('the map draws by WebGL', async () => {
    const page = await browser.page('#/map');
    await page.waitForFunction((count) => document.getElementById('map').dataset.points === String(count) && document.getElementById('map').dataset.scale, ids.length);
    const hasWebgl = await page.evaluate(() => Boolean(document.createElement('canvas').getContext('webgl')));
    if (!hasWebgl) return 'this browser has none: not checked';
    equal(await page.getAttribute('#map', 'data-renderer'), 'webgl', 'renderer');
    await page.waitForTimeout(300);
    const count = await drawnPixels(page);
    that(count > Math.min(ids.length, 100) * 4, `only ${count} pixels are drawn`);
    await page.context().close();
    return `${count} pixels`;
  });
}
