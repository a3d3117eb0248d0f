// The mix, and a file of the listener's own.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { reallyPlays } from './player_checks.mjs';
import { equal, that } from './report.mjs';

const shownIds = (page) => page.$$eval('#answers .row', (rows) => rows.map((row) => Number(row.dataset.trackId)));
const mixAnswer = (page) => page.waitForResponse((response) => response.url().endsWith('/api/v1/similar') && response.request().method() === 'POST');

export async function checkMix({ browser, report, tracks }) {
  const page = await browser.page(`#/track/${tracks[0].id}`);
  await page.waitForSelector('#answers .row');
  const rows = page.locator('#answers .row');
  const [plus, minus] = await rows.evaluateAll((all) => [all[0], all.at(-1)].map((row) => Number(row.dataset.trackId)));
  await report.check('the mix adds and subtracts', async () => {
    await rows.first().locator('[data-action=more]').click();
    await rows.last().locator('[data-action=less]').click();
    const answered = mixAnswer(page);
    await page.click('#mix-link');
    const response = await answered;
    equal(response.request().postDataJSON().seeds, [{ track: plus, weight: 1 }, { track: minus, weight: -0.5 }], 'seeds');
    const { answers } = await response.json();
    await page.waitForSelector('#answers .row');
    equal(await shownIds(page), answers.map(({ track }) => track.id), 'answers');
  });
  await report.check('a weight that changes asks again and is in the address', async () => {
    const answered = mixAnswer(page);
    await page.locator(`.seed[data-track-id="${minus}"] input`).fill('0.7');
    const seeds = (await answered).request().postDataJSON().seeds;
    equal(seeds, [{ track: plus, weight: 1 }, { track: minus, weight: 0.7 }], 'seeds');
    that(page.url().endsWith(`#/mix?seeds=${plus}:1,${minus}:0.7`), `the address is ${page.url()}`);
  });
  await report.check('the address alone makes the mix', async () => {
    const other = await browser.page(`#/mix?seeds=${plus}:1.5,${minus}:-1`);
    await other.waitForSelector('#answers .row');
    equal(await other.$$eval('.seed', (seeds) => seeds.map((seed) => [Number(seed.dataset.trackId), Number(seed.querySelector('input').value)])), [[plus, 1.5], [minus, -1]], 'seeds');
    await other.context().close();
  });
  await report.check('a mix that is like nothing is told', async () => {
    await page.locator(`.seed[data-track-id="${plus}"] input`).fill('-1');
    await page.locator(`.seed[data-track-id="${minus}"] input`).fill('-1');
    await page.waitForSelector('#answers .failure');
    await page.locator(`.seed[data-track-id="${plus}"] input`).fill('1');
    await page.waitForSelector('#answers .row');
  });
  await report.check('the mix plays as a queue', async () => {
    const ids = await shownIds(page);
    await page.click('#play-mix');
    await reallyPlays(page);
    const { items, seeds } = await page.evaluate(() => JSON.parse(localStorage.getItem('similar-tracks.queue')));
    equal(items.slice(0, ids.length).map(({ id }) => id), ids, 'queue');
    equal(seeds, [plus], 'seeds');
  });
  await report.check('a track is taken out of the mix', async () => {
    await page.locator(`.seed[data-track-id="${minus}"] [data-action=remove]`).click();
    equal(await page.locator('.seed').count(), 1, 'seeds left');
  });
  await page.context().close();
}

export async function checkUpload({ browser, report, upload }) {
  const page = await browser.page('#/upload');
  await report.check('a file that is sent gets answers with passages', async () => {
    if (!upload) return 'no --upload FILE: not checked';
    // Asked for beside the page: a browser does not keep an answer's text beside a body as large as a song.
    const query = new URLSearchParams({ name: path.basename(upload), count: 10, explain: true });
    const response = await fetch(`${browser.base}/api/v1/similar/upload?${query}`, { method: 'POST', body: readFileSync(upload) });
    const { answers } = await response.json();
    await page.setInputFiles('#file', upload);
    await page.waitForSelector('#answers-heading', { timeout: 60000 });
    equal(await page.$$eval('#upload-results .row', (rows) => rows.map((row) => Number(row.dataset.trackId))), answers.map(({ track }) => track.id), 'answers');
    that(await page.locator('#upload-progress').isHidden(), 'the progress is still shown');
    const at = answers.findIndex(({ passages }) => passages?.length);
    that(at >= 0, 'no answer tells of passages');
    await page.locator('#upload-results .row').nth(at).locator('[data-action=open]').click();
    await page.waitForFunction(() => Number(document.querySelector('.row-panel .waveform')?.dataset.marks) > 0);
    return null;
  });
  await report.check('a file that is no audio is told in the server’s words', async () => {
    page.expected = /upload/;
    const answered = page.waitForResponse((response) => response.url().includes('/similar/upload'));
    await page.setInputFiles('#file', { name: 'letter.mp3', mimeType: 'audio/mpeg', buffer: Buffer.from('no audio at all') });
    const { detail } = await (await answered).json();
    await page.waitForSelector('#upload-results .failure');
    equal(await page.locator('#upload-results .failure p').textContent(), detail, 'what is told');
  });
  await report.check('a file dropped anywhere is sent', async () => {
    await page.goto(`${browser.base}/#/`);
    await page.waitForSelector('#results');
    page.expected = /upload/;
    const sent = page.waitForRequest((request) => request.url().includes('/similar/upload?name=dropped.wav'));
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(['no audio'], 'dropped.wav', { type: 'audio/wav' }));
      for (const name of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
    });
    await sent;
    await page.waitForSelector('#upload-results .failure');
  });
  await page.context().close();
}
