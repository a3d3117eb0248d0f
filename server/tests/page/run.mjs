// The page in a real browser against a server that runs.
//
//   BROWSER_MODULES=DIR node run.mjs BASE_URL [--screenshots DIR] [--upload FILE]
//
// BROWSER_MODULES is a folder whose node_modules holds playwright-core and axe-core; CHROMIUM is the browser's path,
// /usr/bin/chromium where it is not set. One line a check; the exit code is 1 if one failed.

import { parseArgs } from 'node:util';
import { checkAxe, checkKeyboard } from './access_checks.mjs';
import { Api, Browser } from './browser.mjs';
import { checkEvents, checkLibrary, checkTrack } from './library_checks.mjs';
import { checkMap, checkPath, checkWebgl } from './map_checks.mjs';
import { checkMix, checkUpload } from './mix_checks.mjs';
import { checkPlayer } from './player_checks.mjs';
import { Report, that } from './report.mjs';
import { checkSizes } from './screenshots.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { screenshots: { type: 'string' }, upload: { type: 'string' }, only: { type: 'string' } },
});
if (positionals.length !== 1) {
  console.error('usage: node run.mjs BASE_URL [--screenshots DIR] [--upload FILE] [--only library,track,events,player,upload,map,path,mix,keyboard,axe,sizes]');
  process.exit(2);
}

const base = positionals[0].replace(/\/+$/, '');
const api = new Api(base);
const report = new Report();
const { tracks } = await api.get('tracks?limit=100');
// A track with a cover and tags would be the prettier picture, but any track will do.
const trackId = (tracks.find(({ artist, genre }) => artist && genre) ?? tracks[0]).id;
const views = viewsOf();

function viewsOf() {
  const [first, second] = [tracks[0], tracks.at(-1)];
  const rows = (selector) => (page) => page.waitForSelector(`${selector} .row`);
  return [
    { name: 'search', hash: '#/', prepare: rows('#results') },
    { name: 'track', hash: `#/track/${trackId}`, prepare: async (page) => {
      await page.locator('#answers .row').nth(0).locator('[data-action=open]').click();
      await page.waitForFunction(() => Number(document.getElementById('waveform').dataset.points) > 0);
    } },
    { name: 'map', hash: `#/map?track=${trackId}&from=${first.id}&to=${second.id}`, prepare: async (page) => {
      await page.waitForSelector('#path-stops .row');
      await page.waitForSelector('.chosen-panel .row');
      await page.waitForFunction(() => document.getElementById('map').dataset.scale);
    } },
    { name: 'mix', hash: `#/mix?seeds=${first.id}:1,${second.id}:-0.5`, prepare: rows('#answers') },
    { name: 'upload', hash: '#/upload', prepare: (page) => page.waitForSelector('#choose-file') },
    ...(values.upload ? [{ name: 'answers-to-a-file', hash: '#/upload', prepare: async (page) => {
      await page.setInputFiles('#file', values.upload);
      await page.locator('#upload-results [data-action=open]').first().click({ timeout: 60000 });
    } }] : []),
    { name: 'queue', hash: `#/track/${trackId}`, prepare: async (page) => {
      await page.click('#play-track');
      await page.waitForFunction(() => JSON.parse(localStorage.getItem('similar-tracks.queue'))?.items.length > 1);
      await page.click('#queue-toggle');
      await page.waitForSelector('.queue-item');
    } },
  ];
}

const groups = {
  library: checkLibrary, track: checkTrack, events: checkEvents, player: checkPlayer, upload: checkUpload, map: checkMap, path: checkPath,
  mix: checkMix, keyboard: checkKeyboard, axe: checkAxe, sizes: checkSizes,
};
const wanted = values.only?.split(',') ?? Object.keys(groups);
const browser = await Browser.start(base);
const complaints = [];
try {
  for (const name of wanted) {
    const check = groups[name];
    that(check, `there are no checks called ${name}`);
    // What a group stumbles over outside its checks must not end the others.
    await check({ browser, api, report, trackId, tracks, views, upload: values.upload, folder: values.screenshots })
      .catch((error) => report.check(name, () => { throw error; }));
  }
} finally {
  complaints.push(...browser.complaints);
  await browser.close();
}
if (wanted.includes('map')) {
  const drawing = await Browser.start(base, { hasWebgl: true });
  await checkWebgl({ browser: drawing, api, report });
  complaints.push(...drawing.complaints);
  await drawing.close();
}
await report.check('no errors in the console, no break of the policy, no request to another origin', () => {
  that(!complaints.length, `${complaints.length}: ${[...new Set(complaints)].slice(0, 5).join(' ;; ')}`);
});
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exit(report.failed ? 1 : 0);
