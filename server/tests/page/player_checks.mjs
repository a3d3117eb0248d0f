// Playing, the queue that goes on by itself, skips, likes, and files that will not play.

import { equal, that } from './report.mjs';

const playing = (page) => page.evaluate(() => {
  const audio = document.getElementById('audio');
  return { seconds: audio.currentTime, isPaused: audio.paused, id: Number(document.getElementById('player').dataset.trackId) };
});
const queued = (page) => page.evaluate(() => JSON.parse(localStorage.getItem('similar-tracks.queue')));
const posted = (page, path) => page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith(`/api/v1/${path}`));

/** Waits until the audio's time has really grown. */
export async function reallyPlays(page) {
  const first = await page.waitForFunction(() => {
    const audio = document.getElementById('audio');
    return !audio.paused && audio.currentTime > 0.05 ? { at: audio.currentTime, src: audio.src } : null;
  }).then((handle) => handle.jsonValue());
  await page.waitForFunction(({ at, src }) => {
    const audio = document.getElementById('audio');
    return audio.src !== src || audio.currentTime > at + 0.3;
  }, first);
}

export async function checkPlayer({ browser, api, report, trackId }) {
  const page = await browser.page(`#/track/${trackId}`);
  let radio = null;
  await report.check('play really plays', async () => {
    await page.waitForSelector('#play-track');
    const asked = posted(page, 'radio');
    await page.click('#play-track');
    await reallyPlays(page);
    radio = await asked;
    equal((await playing(page)).id, trackId, 'what plays');
  });
  await report.check('the queue goes on by itself', async () => {
    const wish = radio.postDataJSON();
    equal(wish.seeds, [trackId], 'seeds');
    equal(wish.played, [trackId], 'played');
    await page.waitForFunction(() => JSON.parse(localStorage.getItem('similar-tracks.queue')).items.length > 1);
  });
  await report.check('skip posts a play', async () => {
    const told = posted(page, 'plays');
    await page.click('#player-next');
    equal((await told).postDataJSON(), { track: trackId, skipped: true }, 'the play');
    const { items } = await queued(page);
    equal((await playing(page)).id, items[1].id, 'what plays next');
    await reallyPlays(page);
  });
  await report.check('a like of what plays posts feedback about the seed', async () => {
    const { id } = await playing(page);
    const told = posted(page, 'feedback');
    await page.click('#player-like');
    equal((await told).postDataJSON(), { query: trackId, result: id, opinion: 'like' }, 'the opinion');
    equal(await page.getAttribute('#player-like', 'aria-pressed'), 'true', 'pressed');
    const forgotten = posted(page, 'feedback');
    await page.click('#player-like');
    equal((await forgotten).postDataJSON().opinion, 'forget', 'the second press');
  });
  await report.check('a track heard to its end is told and the next begins', async () => {
    const { id } = await playing(page);
    const told = page.waitForRequest((request) => request.url().endsWith('/plays') && request.postDataJSON().track === id);
    await page.evaluate(() => {
      const audio = document.getElementById('audio');
      audio.currentTime = Math.max(0, audio.duration - 0.6);
    });
    equal((await told).postDataJSON(), { track: id, skipped: false }, 'the play');
    await page.waitForFunction((before) => Number(document.getElementById('player').dataset.trackId) !== before, id);
    await reallyPlays(page);
  });
  await report.check('pause, seek and volume', async () => {
    await page.click('#player-toggle');
    that((await playing(page)).isPaused, 'it still plays');
    const middle = await page.evaluate(() => {
      const seek = document.getElementById('player-seek');
      seek.value = String(Number(seek.max) / 2);
      seek.dispatchEvent(new Event('input', { bubbles: true }));
      seek.dispatchEvent(new Event('change', { bubbles: true }));
      return Number(seek.value);
    });
    await page.waitForFunction((wanted) => Math.abs(document.getElementById('audio').currentTime - wanted) < 1, middle);
    await page.fill('.player [data-control=volume]', '0.3');
    equal(await page.evaluate(() => document.getElementById('audio').volume), 0.3, 'volume');
  });
  await report.check('the queue’s panel lists it and plays from it', async () => {
    await page.click('#queue-toggle');
    await page.waitForSelector('#queue:visible');
    const { items, position } = await queued(page);
    equal(await page.$$eval('.queue-item', (rows) => rows.map((row) => Number(row.dataset.trackId))), items.map(({ id }) => id), 'items');
    const goal = items.findIndex((_, at) => at > position);
    that(goal >= 0, 'nothing is to come');
    await page.locator('.queue-item').nth(goal).locator('.queue-play').click();
    equal((await playing(page)).id, items[goal].id, 'what plays');
    await page.keyboard.press('Escape');
    that(await page.locator('#queue').isHidden(), 'escape does not close the panel');
  });
  await report.check('a reload goes on with the queue and the volume', async () => {
    const before = await queued(page);
    await page.reload();
    await page.waitForFunction(() => document.getElementById('player').dataset.trackId);
    const after = await queued(page);
    equal(after.items.map(({ id }) => id), before.items.map(({ id }) => id), 'queue');
    equal((await playing(page)).id, before.items[before.position].id, 'what is current');
    equal(await page.evaluate(() => document.getElementById('audio').volume), 0.3, 'volume');
    await page.click('#player-toggle');
    await reallyPlays(page);
  });
  await report.check('the system’s media keys know what plays', async () => {
    const title = await page.evaluate(() => navigator.mediaSession.metadata?.title);
    equal(title, await page.locator('#now-title').textContent(), 'title');
  });
  await page.context().close();
  await checkAnswers({ browser, api, report, trackId });
  await checkUnplayable({ browser, report, trackId });
}

async function checkAnswers({ browser, api, report, trackId }) {
  const page = await browser.page(`#/track/${trackId}`);
  await page.waitForSelector('#answers .row');
  const row = page.locator('#answers .row').first();
  const id = Number(await row.getAttribute('data-track-id'));
  const isLiked = async () => (await api.get(`tracks/${trackId}`)).opinions.find(({ result }) => result === id)?.is_liked;
  await report.check('an answer’s like is kept by the server and shown', async () => {
    for (const [action, wanted] of [['like', true], ['dislike', false], ['dislike', undefined]]) {
      const answered = page.waitForResponse((response) => response.url().endsWith('/feedback'));
      await row.locator(`[data-action=${action}]`).click();
      equal((await answered).status(), 204, 'status');
      equal(await isLiked() ?? null, wanted ?? null, `opinion after ${action}`);
      equal(await row.locator(`[data-action=${action}]`).getAttribute('aria-pressed'), String(wanted !== undefined), 'pressed');
    }
  });
  await report.check('an answer plays and the others follow it', async () => {
    await row.locator('[data-action=play]').click();
    await reallyPlays(page);
    const { items, seeds, query } = await queued(page);
    equal(items[0].id, id, 'first of the queue');
    equal([seeds, query], [[trackId], trackId], 'seed of the queue');
  });
  await report.check('queue puts a track at the end', async () => {
    const { items } = await queued(page);
    await row.locator('[data-action=queue]').click();
    await page.waitForFunction((count) => JSON.parse(localStorage.getItem('similar-tracks.queue')).items.length > count, items.length);
    that((await queued(page)).items.some((item, at) => at >= items.length && item.id === id), 'it is not in the queue');
  });
  await page.context().close();
}

async function checkUnplayable({ browser, report, trackId }) {
  const page = await browser.page('#/');
  page.expected = /audio|decode|media/i;
  await page.route('**/audio', (route) => route.fulfill({ status: 200, contentType: 'audio/mpeg', body: 'this is no audio' }));
  await report.check('files that cannot be played are told, passed over, and not for ever', async () => {
    await page.goto(`${browser.base}/#/track/${trackId}`);
    await page.waitForSelector('#play-track');
    await page.click('#play-track');
    await page.waitForSelector('.notice-problem >> text=cannot be played');
    await page.waitForSelector('.notice-problem >> text=playing has stopped', { timeout: 20000 });
    const { position } = await queued(page);
    equal(position, 4, 'how far it went');
  });
  await page.context().close();
}
