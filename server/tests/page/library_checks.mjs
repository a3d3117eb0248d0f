// Searching, and a track's page.

import { equal, that } from './report.mjs';

const idsIn = (page, selector) => page.$$eval(`${selector} .row`, (rows) => rows.map((row) => Number(row.dataset.trackId)));

/** A word that the server finds something by, out of some track's own tags. */
export async function findableWord(api) {
  const { tracks } = await api.get('tracks?limit=50');
  for (const track of tracks) {
    for (const word of `${track.artist ?? ''} ${track.title}`.split(/[^\p{L}\p{N}]+/u).filter((part) => part.length >= 3)) {
      const found = await api.get(`tracks?q=${encodeURIComponent(word)}&limit=50`);
      if (found.total > 0) return { word, found };
    }
  }
  throw new Error('no word of any track finds it');
}

export async function checkLibrary({ browser, api, report }) {
  const page = await browser.page('#/');
  const { total } = await api.get('tracks?limit=1');
  await report.check('the library lists its tracks', async () => {
    await page.waitForSelector('#results .row');
    equal(await page.locator('#result-count').textContent(), `${total.toLocaleString('en')} ${total === 1 ? 'track' : 'tracks'}`, 'count');
  });
  await report.check('more pages are fetched', async () => {
    const before = (await idsIn(page, '#results')).length;
    if (total <= before) return 'all on one page';
    await page.click('#more');
    await page.waitForFunction((count) => document.querySelectorAll('#results .row').length > count, before);
    return null;
  });
  await report.check('search finds', async () => {
    const { word, found } = await findableWord(api);
    await page.fill('#search', word);
    await page.waitForFunction((text) => document.querySelector('h1').textContent === `“${text}”`, word);
    equal(await idsIn(page, '#results'), found.tracks.map(({ id }) => id), `what “${word}” finds`);
    return word;
  });
  await report.check('search that finds nothing says so', async () => {
    await page.fill('#search', 'zqxjkvwzqxjkvw');
    await page.waitForSelector('.empty >> text=Nothing found');
  });
  await report.check('the status line tells of the library', async () => {
    await page.waitForFunction(() => document.getElementById('status-tracks').textContent.includes('tracks'));
  });
  await page.context().close();
}

export async function checkTrack({ browser, api, report, trackId }) {
  const page = await browser.page(`#/track/${trackId}`);
  const told = await api.get(`tracks/${trackId}`);
  const { answers } = await api.get(`tracks/${trackId}/similar?count=10&explain=true`);

  await report.check('a track shows its tags', async () => {
    await page.waitForSelector('#track-title');
    equal(await page.locator('#track-title').textContent(), told.title, 'title');
    const tags = await page.locator('.tags').textContent();
    for (const value of [told.path, told.album, told.genre, told.year]) that(value === null || tags.includes(String(value)), `“${value}” is not shown`);
  });
  await report.check('answers stand in the server’s order with its similarity', async () => {
    await page.waitForSelector('#answers .row');
    equal(await idsIn(page, '#answers'), answers.map(({ track }) => track.id), 'answers');
    const shown = await page.$$eval('#answers .similarity-number', (numbers) => numbers.map((number) => number.textContent));
    equal(shown, answers.map(({ similarity }) => similarity.toFixed(2)), 'similarities');
  });
  await report.check('the waveform is drawn', async () => {
    await page.waitForFunction(() => Number(document.getElementById('waveform').dataset.points) > 0);
  });
  await report.check('an answer opened marks its passages on both waveforms', async () => {
    const at = answers.findIndex(({ passages }) => passages?.length);
    that(at >= 0, 'no answer of the server tells of passages');
    await page.locator('#answers .row').nth(at).locator('[data-action=open]').click();
    const count = String(answers[at].passages.length);
    await page.waitForFunction((marks) => document.getElementById('waveform').dataset.marks === marks, count);
    await page.waitForFunction((marks) => document.querySelector('.row-panel .waveform')?.dataset.marks === marks, count);
    equal(await page.locator('.row.is-open .passages li').count(), answers[at].passages.length, 'passages listed');
  });
  await report.check('a passage plays from where it begins', async () => {
    const { passages, track } = answers.find((answer) => answer.passages?.length);
    await page.locator('.row.is-open [data-side=second]').first().click();
    await playsFrom(page, track.id, passages[0].second_seconds);
    await page.locator('.row.is-open [data-side=first]').first().click();
    await playsFrom(page, trackId, passages[0].first_seconds);
  });
  await report.check('a click on the waveform plays from there', async () => {
    const box = await boxOfWaveform(page);
    await page.mouse.click(box.x + box.width * 0.5, box.y + box.height / 2);
    const { seconds } = await api.get(`tracks/${trackId}/waveform?points=10`);
    await playsFrom(page, trackId, seconds / 2);
  });
  await report.check('numbers ask with a passage, and back leaves it', async () => {
    const end = Math.min(5, (await api.get(`tracks/${trackId}/waveform?points=10`)).seconds);
    const asked = page.waitForResponse((response) => /similar\?.*from=0&to=/.test(response.url()));
    await page.fill('#passage-from', '0');
    await page.fill('#passage-to', String(end));
    await page.click('#passage-ask');
    const answer = await (await asked).json();
    await page.waitForFunction(() => document.querySelector('#answers:not(.is-asking) .row'));
    equal(await idsIn(page, '#answers'), answer.answers.map(({ track }) => track.id), 'answers to the passage');
    await page.goBack();
    await page.waitForFunction(() => document.getElementById('answers-heading').textContent === 'Nearest tracks');
  });
  await report.check('dragging over the waveform asks with a passage', async () => {
    const box = await boxOfWaveform(page);
    const asked = page.waitForRequest((request) => /similar\?.*from=.*to=/.test(request.url()));
    await page.mouse.move(box.x + box.width * 0.1, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 20, { steps: 5 });
    await page.mouse.up();
    await asked;
    that(/from=.*to=/.test(page.url()), 'the passage is not in the address');
  });
  await report.check('a stretch too short to hold a passage is widened to the nearest', async () => {
    const { seconds: passage, starts } = await api.get(`tracks/${trackId}/passages`);
    const asked = page.waitForResponse((response) => /similar\?.*from=/.test(response.url()));
    await page.fill('#passage-from', String((starts[0] + 0.5).toFixed(1)));
    await page.fill('#passage-to', String((starts[0] + 1).toFixed(1)));
    await page.click('#passage-ask');
    const response = await asked;
    const query = new URL(response.url()).searchParams;
    that(Number(query.get('to')) - Number(query.get('from')) >= passage, `asked with ${query}`);
    equal(response.status(), 200, 'status');
  });
  await report.check('a passage that ends before it begins is told', async () => {
    await page.fill('#passage-from', '4');
    await page.fill('#passage-to', '2');
    await page.click('#passage-ask');
    await page.waitForSelector('.form-problem:visible');
  });
  await report.check('a track that is not there is told in the server’s words', async () => {
    page.expected = /404/;
    await page.goto(`${browser.base}/#/track/999999999`);
    await page.waitForSelector('.failure p');
    that((await page.locator('.failure p').first().textContent()).length > 3, 'nothing is told');
  });
  await page.context().close();
}

/** The stream of events is played by the test: no server can be asked to change its library. */
export async function checkEvents({ browser, api, report, trackId }) {
  const { model, tracks } = await api.get('model');
  const state = (generation, run) => `event: state\ndata: ${JSON.stringify({ model, generation, tracks, failed: 0, run })}\n\n`;
  const run = { command: 'ingest', started_at: 1, finished_at: null, steps: [{ name: 'embed', started_at: 1, finished_at: null, outcome: null }] };
  const page = await browser.page(null);
  let connections = 0;
  await page.route('**/api/v1/events', (route) => {
    connections += 1;
    // Each answer ends, so the browser has to connect anew to hear of the next generation.
    route.fulfill({ contentType: 'text/event-stream', body: `retry: 300\n\n${state(connections, run)}` });
  });
  await report.check('a new generation asks the answers again, and a broken stream is taken up', async () => {
    const asked = [];
    page.on('request', (request) => /\/similar\?/.test(request.url()) && asked.push(request.url()));
    await page.goto(`${browser.base}/#/track/${trackId}`);
    await page.waitForSelector('#answers .row');
    await page.waitForFunction(() => Number(document.getElementById('status').dataset.generation) >= 3);
    that(asked.length >= 2, `the answers were asked for ${asked.length} times`);
    that((await page.locator('#status-run').textContent()).includes('ingest running'), 'the ingest that runs is not told');
  });
  await page.context().close();
}

/** The mouse knows only what is on the screen, and an opened answer may have scrolled the waveform away. */
async function boxOfWaveform(page) {
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.locator('#waveform').scrollIntoViewIfNeeded();
  return page.locator('#waveform').boundingBox();
}

/** Waits until a track plays from about a moment (it may have ended meanwhile, where it is short). */
export async function playsFrom(page, id, seconds) {
  await page.waitForFunction(([track, from]) => {
    const audio = document.getElementById('audio');
    const here = audio.src.endsWith(`/tracks/${track}/audio`);
    return here && audio.readyState >= 2 && audio.currentTime >= Math.min(from, audio.duration - 0.5) - 0.6 && audio.currentTime < from + 6;
  }, [id, seconds]);
}
