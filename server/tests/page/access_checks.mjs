// The keyboard alone, and what axe-core finds in each view in both schemes.

import { readFileSync } from 'node:fs';
import { modules } from './browser.mjs';
import { findableWord } from './library_checks.mjs';
import { reallyPlays } from './player_checks.mjs';
import { equal, that } from './report.mjs';

export async function checkKeyboard({ browser, api, report }) {
  const page = await browser.page('#/map');
  await report.check('by keyboard alone from the search box to playing', async () => {
    const { word, found } = await findableWord(api);
    await page.waitForSelector('#search');
    await page.keyboard.press('/');
    await page.keyboard.type(word);
    await page.waitForFunction((text) => document.querySelector('h1')?.textContent === `“${text}”`, word);
    await page.keyboard.press('ArrowDown');
    const focused = () => page.evaluate(() => document.activeElement.closest('.row')?.dataset.trackId);
    equal(await focused(), String(found.tracks[0].id), 'row in focus');
    if (found.tracks.length > 1) {
      await page.keyboard.press('ArrowDown');
      equal(await focused(), String(found.tracks[1].id), 'row after an arrow');
      await page.keyboard.press('ArrowUp');
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector('#play-track');
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement.id) === 'play-track') break;
    }
    equal(await page.evaluate(() => document.activeElement.id), 'play-track', 'where tabs lead');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    that(outline !== 'none', 'the focus is not seen');
    await page.keyboard.press('Enter');
    await reallyPlays(page);
    that((await page.locator('#now-playing').textContent()).startsWith('Now: '), 'what plays is not announced');
  });
  await report.check('by keyboard on the map', async () => {
    await page.goto(`${browser.base}/#/map`);
    await page.waitForFunction(() => document.getElementById('map')?.dataset.scale);
    await page.waitForFunction(() => document.querySelector('.chosen-panel').dataset.trackId !== '');
    await page.focus('#map');
    for (const key of ['ArrowUp', 'ArrowLeft', '+', '+', 'Enter']) await page.keyboard.press(key);
    await page.waitForURL(/#\/map\?.*track=\d+/);
    await reallyPlays(page);
  });
  await page.context().close();
}

export async function checkAxe({ browser, report, views }) {
  const axe = readFileSync(modules().resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, height] of [[1280, 900], [360, 740]]) {
      for (const { name, hash, prepare } of views) {
        await report.check(`axe finds nothing serious: ${name}, ${colorScheme}, ${width} px`, async () => {
          const page = await browser.page(hash, { width, height, colorScheme });
          await prepare(page);
          // By the debugger's protocol: the page's policy forbids scripts that are not its own.
          const session = await page.context().newCDPSession(page);
          await session.send('Runtime.evaluate', { expression: axe });
          const { result } = await session.send('Runtime.evaluate', {
            expression: 'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 3).map(({ target, failureSummary }) => `${target} ${failureSummary}`) }))))',
            awaitPromise: true,
          });
          const grave = JSON.parse(result.value).filter(({ impact }) => ['serious', 'critical'].includes(impact));
          await page.context().close();
          that(!grave.length, JSON.stringify(grave).slice(0, 900));
        });
      }
    }
  }
}
